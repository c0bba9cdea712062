# SPDX-License-Identifier: Apache-2.0

# Losses of power, t/books_power.t, at 200 instants.

use strict;
use warnings;

$ENV{GENAI_INSTANTS} ||= 200;

do './t/books_power.t' or die $@ || $!;
