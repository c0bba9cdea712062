# SPDX-License-Identifier: Apache-2.0

package GenAI::Cert;

=head1 SYNOPSIS

    my $certs = GenAI::Cert->new;           # makes a CA; openssl does the work
    my $file = $certs->ca;                  # for proxy_ssl_trusted_certificate
    my ($cert, $key) = $certs->pair('valid');

Kinds: valid (localhost, *.genai.test and 127.0.0.1), expired, wrong_name
(other.example only), self_signed (by no CA).  Files are made when they are
asked for and live as long as the object.

=cut

use strict;
use warnings;

use File::Temp ();

use GenAI::Util;

my $NAMES = 'DNS:localhost,DNS:*.genai.test,IP:127.0.0.1';


sub new {
    my ($class) = @_;

    my $dir = File::Temp->newdir('genai-cert-XXXXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir, owner => $$ }, $class;

    chmod 0755, "$dir";

    spew("$dir/openssl.cnf", <<"CONF");
[ req ]
prompt = no
distinguished_name = name
[ name ]
CN = genai test
[ authority ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ ca ]
default_ca = test
[ test ]
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
policy = policy
unique_subject = no
[ policy ]
commonName = supplied
[ good ]
subjectAltName = $NAMES
[ wrong ]
subjectAltName = DNS:other.example
CONF

    spew("$dir/index.txt", '');
    spew("$dir/serial", "1000\n");
    $self->self_signed('ca', 'authority');

    return $self;
}


sub ca { return "$_[0]{dir}/ca.crt" }


sub openssl {
    my ($self, @args) = @_;

    my ($rc, $out) = run_cmd([ 'openssl', @args ]);

    die "openssl @args: $out" if $rc;
}


sub self_signed {
    my ($self, $name, $extensions) = @_;

    my $dir = $self->{dir};

    $self->openssl(qw(req -x509 -newkey ec -pkeyopt
        ec_paramgen_curve:prime256v1 -nodes -days 100),
        '-config', "$dir/openssl.cnf", '-extensions', $extensions,
        '-keyout', "$dir/$name.key", '-out', "$dir/$name.crt");
    chmod 0644, "$dir/$name.key";
}


# The paths of the certificate and the key.

sub pair {
    my ($self, $kind) = @_;

    my $dir = $self->{dir};
    my @files = ("$dir/$kind.crt", "$dir/$kind.key");

    return @files if -e $files[0];

    if ($kind eq 'self_signed') {
        $self->self_signed($kind, 'good');
        return @files;
    }

    die "no such kind: $kind" unless $kind =~ /^(?:valid|expired|wrong_name)$/;

    $self->openssl(qw(req -new -newkey ec -pkeyopt
        ec_paramgen_curve:prime256v1 -nodes), '-config', "$dir/openssl.cnf",
        '-keyout', $files[1], '-out', "$dir/$kind.csr");

    $self->openssl('ca', '-batch', '-notext', '-config', "$dir/openssl.cnf",
        '-extensions', $kind eq 'wrong_name' ? 'wrong' : 'good',
        '-in', "$dir/$kind.csr", '-out', $files[0],
        $kind eq 'expired' ? qw(-startdate 20200101000000Z
                                -enddate 20200201000000Z) : qw(-days 100));
    chmod 0644, $files[1];

    return @files;
}


1;
