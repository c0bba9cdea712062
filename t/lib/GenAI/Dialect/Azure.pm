# SPDX-License-Identifier: Apache-2.0

package GenAI::Dialect::Azure;

# Azure's OpenAI: the same, but for the path, which has the deployment.

use strict;
use warnings;

use parent 'GenAI::Dialect::Openai';


sub pass   { return '' }
sub bodies { return 'openai' }

sub uri {
    my ($self, $ask) = @_;

    return "/openai/deployments/$ask->{model}/chat/completions"
        . '?api-version=2024-10-21';
}


sub asked {
    my ($self, $r) = @_;

    my $asked = $self->SUPER::asked($r);

    $r->{uri} =~ m{/openai/deployments/([^/]+)/chat/completions\?
                   (?:.*&)?api-version=[\w-]+}x
        or die "no path of a deployment: $r->{uri}\n";
    $asked->{model} = $1;

    return $asked;
}

1;
