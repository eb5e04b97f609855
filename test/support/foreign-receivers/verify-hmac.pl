# Receives webhooks as a customer's program does: verifies the HMAC over the raw body, answers 401 on a mismatch.
# Takes the shared secret in argv. Prints its port, then a line of JSON for each request.
use strict;
use warnings;
use Digest::SHA 'hmac_sha256_base64';
use IO::Socket::INET;
use JSON::PP;

$| = 1;
my $secret = $ARGV[0];
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16) or die "no socket: $!";
print $server->sockport, "\n";
while (my $client = $server->accept) {
    binmode $client;
    my ($method, $path) = split ' ', scalar <$client>;
    my %headers;
    while (defined(my $line = <$client>)) {
        $line =~ s/\r?\n$//;
        last if $line eq '';
        my ($name, $value) = split /:\s*/, $line, 2;
        $headers{lc $name} = $value;
    }
    my $body = '';
    my $missing = $headers{'content-length'} // 0;
    while ($missing > 0) {
        my $read = read $client, $body, $missing, length $body or last;
        $missing -= $read;
    }
    my $expected = hmac_sha256_base64($body, $secret);
    $expected .= '=' while length($expected) % 4;
    my $verified = $expected eq ($headers{'x-scope-hmac-sha256'} // '') ? JSON::PP::true : JSON::PP::false;
    print $client 'HTTP/1.1 ', $verified ? '200 OK' : '401 Unauthorized', "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $client;
    utf8::decode($body);
    print encode_json({ path => $path, headers => \%headers, body => $body, verified => $verified }), "\n";
}
