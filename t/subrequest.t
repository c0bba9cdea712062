# SPDX-License-Identifier: Apache-2.0

# Locations with genai_pass that are reached by other ways than a request of
# their own: subrequests are refused and leave the main request alone, an
# error_page begins the pipeline anew, a rewrite makes the path.

use strict;
use warnings;

use lib 't/lib';

use JSON::PP ();

use GenAI::Test;
use GenAI::Upstream;
use GenAI::Util qw(allot_port);

my $answer = json_text({ answer => 'a' x 100 });

# slow enough for a subrequest to end before the main one
my $up = GenAI::Upstream->new(lossy => 1, route => sub {
    my ($r) = @_;

    return [ [ delay => 0.05 ],
             $r->{body} =~ /"place"/ ? [ json => 200, $answer ]
             : [ json => 200, { uri => $r->{uri}, body => $r->{body} } ] ];
});

my $t = GenAI::Test->new(log_level => 'info');

$t->conf(<<'EOF', UP => $up->port, DEAD => allot_port());
http {
    log_format l '$request_uri $status "$genai_error"';
    access_log %%TESTDIR%%/l.log l;

    genai_provider p { dialect openai; pass http://127.0.0.1:%%UP%%/base; }
    genai_provider dead { dialect openai; pass http://127.0.0.1:%%DEAD%%; }
    genai_model m { target p; }
    genai_model other { target p; }
    genai_model gone { target dead; }

    genai_auth off;

    server {
        listen 127.0.0.1:%%PORT_0%%;

        location /sub/ { internal; genai_pass; }

        location /plain/ { genai_pass; }
        location /mirror/ { genai_pass; mirror /sub/chat/completions; }
        location /nobody/ { genai_pass; mirror /sub/models;
                            mirror_request_body off; }
        location /to_self/ { genai_pass; mirror /to_self/chat/completions; }

        location /page/ { default_type text/html; root %%TESTDIR%%; }
        location /page/ssi/ { default_type text/html; ssi on;
                              root %%TESTDIR%%; }
        location /page/add/ { default_type text/html; root %%TESTDIR%%;
                              add_after_body /sub/chat/completions; }

        location /added/ { genai_pass; addition_types application/json;
                           add_after_body /sub/models; }

        location /guarded/ { genai_pass; auth_request /sub/models; }
        location /page/guarded/ { root %%TESTDIR%%;
                                  auth_request /sub/models; }

        location /any/ { genai_pass; error_page 502 = @any; }
        location @any { satisfy any; allow all; genai_pass model=other; }
        location /all/ { genai_pass; error_page 502 = @all; }
        location @all { genai_pass model=other; }
        location /dead/ { genai_pass; error_page 502 = @dead; }
        location @dead { satisfy any; allow all; genai_pass model=gone; }

        location /openai/ { genai_pass model=m; genai_endpoints other chat;
                            rewrite ^/openai/(.*)$ /$1 break; }
        location /kept/ { genai_pass model=m; genai_endpoints other; }
        location /inside/ { genai_pass model=m; genai_endpoints other;
                            rewrite ^/inside/a/(.*)$ /inside/$1 break; }
    }
}
EOF

for my $dir ('', 'ssi/', 'add/', 'guarded/') {
    mkdir "$t->{dir}/page";
    mkdir "$t->{dir}/page/$dir";
    $t->write_file("page/${dir}a.html", "begin\n"
                   . ($dir eq 'ssi/' ? '<!--# include virtual="/sub/models" -->'
                      . '<!--# include virtual="/sub/chat/completions" -->'
                      : '')
                   . "\nend\n");
}

$t->run;

my $worker = join ' ', $t->worker_pids;
my %ask = (model => 'm', messages => []);

# requests that reach the provider while the sub runs

sub reached {
    my ($sub) = @_;

    my $n = $up->count;
    my $r = $sub->();

    return ($r, $up->count - $n);
}


# ---- subrequests

for my $place (qw(mirror to_self nobody added)) {

    my ($r, $n) = reached(sub {
        $t->post("/$place/chat/completions", { %ask, place => $place });
    });

    is($r->status, 200, "$place: answered");
    is($n, 1, "$place: the provider has one request");
    is($r->header('x-genai-error'), undef, "$place: without an error");

    like(($up->requests)[-1]{body}, qr/"place":\s*"$place"/,
         "$place: which is the main one");
    ok($r->complete, "$place: the answer is whole");
    $place eq 'added'
        ? like($r->body, qr/\A\Q$answer\E/, "$place: it comes first")
        : is($r->body, $answer, "$place: as the provider sent it");
}

# several at once over one connection

{
    my $c = $t->connect;
    my @status;

    for (1 .. 3) {
        $c->request('POST', '/mirror/chat/completions', body =>
                    json_text(\%ask), headers => [ 'Content-Type',
                                                   'application/json' ]);
        push @status, $c->response->status;
    }

    is("@status", '200 200 200', 'mirror: over one connection');
}

for my $place (qw(ssi add)) {

    my ($r, $n) = reached(sub { $t->get("/page/$place/a.html") });

    is($r->status, 200, "$place: the page comes");
    ok($r->complete, "$place: to its end");
    like($r->body, qr/\Abegin\n.*\nend\n/s, "$place: all of it");
    is($n, 0, "$place: no provider is asked");
    is($r->header('x-genai-error'), undef, "$place: the page is no error");
}

for my $place ('guarded/chat/completions', 'page/guarded/a.html') {

    my ($r, $n) = reached(sub { $t->post("/$place", \%ask) });

    is($r->status, 500, "auth_request, $place: not let in");
    is($n, 0, "auth_request, $place: no provider is asked");
}

is($t->get('/page/a.html')->status, 200, 'pages are served as before');
is(join(' ', $t->worker_pids), $worker, 'by the same worker');
like($t->error_log, qr/"genai_pass" serves main requests only/,
     'the log says what is wrong');


# ---- error_page

for my $place (qw(any all)) {

    my ($r, $n) = reached(sub {
        $t->post("/$place/chat/completions", { %ask, model => 'gone' });
    });

    is($r->status, 200, "error_page, satisfy $place: the other location's");
    is($n, 1, "satisfy $place: its provider is asked");
    like(($r->json || {})->{body} // '', qr/"model":\s*"other"/,
         "satisfy $place: for its model");
}

{
    my $r = $t->post('/dead/chat/completions', { %ask, model => 'gone' });

    is($r->status, 502, 'error_page that fails too: its error');
    is($r->header('x-genai-error'), 'provider_unreachable', 'its word');
}


# ---- paths

is(($t->get('/openai/v1/files')->json || {})->{uri}, '/base/v1/files',
   'endpoint other below a rewritten URI');
is(($t->get('/openai/v1/files/a?b=c')->json || {})->{uri},
   '/base/v1/files/a?b=c', 'with arguments');
is(($t->get('/openai/f')->json || {})->{uri}, '/base/f',
   'shorter than the location');
is(($t->get('/kept/files')->json || {})->{uri}, '/base/files',
   'not rewritten: below the location');
is(($t->get('/inside/a/files')->json || {})->{uri}, '/base/files',
   'rewritten within the location: below it');

done_testing;
