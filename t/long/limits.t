# SPDX-License-Identifier: Apache-2.0

# A thousand exchanges at a time in eight workers, of every kind, under limits
# of every unit, with reloads and killed workers; and all of nginx killed fifty
# times.  See GenAI::Budget.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Storm qw(storm kills);
use GenAI::Test;

my $ROUNDS = $ENV{GENAI_ROUNDS} || 2;

storm(workers => 8, users => 40, clients => 2000, seconds => 10,
      rounds => int(($ROUNDS + 4) / 5), sim => { rate => 8 }, flying => 1000);
kills(workers => 8, users => 40, clients => 120,
      rounds => $ROUNDS >= 20 ? 50 : $ROUNDS);

done_testing;
