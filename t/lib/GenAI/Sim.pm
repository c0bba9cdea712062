# SPDX-License-Identifier: Apache-2.0

package GenAI::Sim;

# The simulated provider: ngx_http_genai_sim_module in an nginx of its own.

use strict;
use warnings;

use parent 'GenAI::Test';

use GenAI::Cert;


# An nginx of its own with "genai_sim key=value ...;".  Keys that start with
# "-" are for the harness: -workers, -connections (of a worker), -log_level,
# -tls (a kind of GenAI::Cert), -http (more text in http{}), -server (in
# server{}).

sub start {
    my ($class, %o) = @_;

    my %own = map { $_ => delete $o{$_} } grep { /^-/ } keys %o;
    my $params = join ' ', map { qq("$_=$o{$_}") } sort keys %o;
    my ($http, $server) = map { $_ // '' } @own{qw(-http -server)};
    my ($ssl, $tls) = ('', '');

    my $self = $class->new(name => 'sim', modules => ['genai_sim'],
                                     workers => $own{-workers} || 1,
                                     log_level => $own{-log_level} || 'debug');

    if ($own{-tls}) {
        $self->{cert} = GenAI::Cert->new;

        my ($cert, $key) = $self->{cert}->pair($own{-tls});

        $ssl = ' ssl';
        $tls = "ssl_certificate $cert; ssl_certificate_key $key;";
    }

    my $connections = $own{-connections} || 512;

    return $self->conf(<<"EOF")->run;
events { worker_connections $connections; }
http {
    $http
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:%%PORT_0%%$ssl backlog=4096;
        $tls
        $server
        location / { genai_sim $params; }
    }
}
EOF
}


sub ca { return $_[0]{cert}->ca }


sub ask {
    my ($self, $uri, %o) = @_;

    my $r = $self->get($uri, $self->{cert} ? (tls => {}) : (), %o);

    return $r->json // $r->body;
}


# What the simulator saw last, and its record of all that it was asked.

sub last   { my $self = shift; return $self->ask('/last', @_) }
sub ledger { my $self = shift; return $self->ask('/ledger', @_) }


1;
