# A caller of the encoded registry in Perl: reads a job from its input, writes a result for each call as JSON.
use strict;
use warnings;
use JSON::PP;
use SOAP::Lite;

my $job = decode_json(do { local $/; <STDIN> });
(my $address = $job->{wsdl}) =~ s/\?wsdl$//;
my $client = SOAP::Lite->ns('urn:banyan:testing:encoded', 'r')->proxy($address)->on_action(sub { '""' });
my %types = (modifiedSince => 'dateTime', id => 'string', city => 'string');

sub resident {
    my ($found) = @_;
    # Whoever heads the household heads the same one: the value holds itself.
    my $head = $found->{household}{head};
    my $closed = $head->{household} == $found->{household};
    return {
        id => $found->{id},
        name => $found->{name},
        city => $found->{household}{city},
        marks => [map { $_ + 0 } @{$found->{marks}}],
        head => $closed ? $head->{id} : 'another',
    };
}

my @results;
for my $call (@{$job->{calls}}) {
    my $given = $call->{arguments};
    my @order = grep { exists $given->{$_} } qw(id modifiedSince city);
    my @asked = map { SOAP::Data->name($_ => $given->{$_})->type($types{$_}) } @order;
    my $reply = $client->call($call->{operation}, @asked);
    if ($reply->fault) {
        (my $code = $reply->faultcode) =~ s/^.*://;
        push @results, {fault => {code => $code, about => $reply->faultdetail->{UnknownResident}{id}}};
        next;
    }
    my $found = $reply->result;
    my $answer = ref $found eq 'ARRAY' ? [map { resident($_) } @$found] : ref $found ? resident($found) : $found;
    push @results, {answer => $answer};
}
binmode STDOUT, ':raw';
print JSON::PP->new->utf8->encode(\@results);
