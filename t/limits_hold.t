# SPDX-License-Identifier: Apache-2.0

# Limits hold: under load with faults, reloads and killed workers, and where
# all of nginx is killed and started again.  t/long/limits.t is the same for
# longer and with more at a time.

use strict;
use warnings;

use lib 't/lib';

use GenAI::Storm qw(storm kills);
use GenAI::Test;

storm(workers => 3, users => 20, clients => 300, rounds => 1, seconds => 3,
      sim => { rate => 20 }, flying => 100);
kills(workers => 2, users => 20, clients => 40, rounds => 3);

done_testing;
