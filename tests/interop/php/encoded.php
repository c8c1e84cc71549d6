<?php
// A caller of the encoded registry in PHP: reads a job from its input, writes a result for each call as JSON.
declare(strict_types=1);

function resident(stdClass $found): array
{
    // Whoever heads the household heads the same one: the value holds itself.
    $head = $found->household->head;
    return [
        'id' => $found->id,
        'name' => $found->name,
        'city' => $found->household->city,
        'marks' => $found->marks,
        'head' => $head->household === $found->household ? $head->id : 'another',
    ];
}

$job = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);
$client = new SoapClient($job['wsdl'], ['cache_wsdl' => WSDL_CACHE_NONE]);
$results = [];
foreach ($job['calls'] as $call) {
    try {
        $found = $client->__soapCall($call['operation'], array_values($call['arguments']));
        $results[] = ['answer' => match ($call['operation']) {
            'listResidents' => array_map(resident(...), $found),
            'readResident' => resident($found),
            'changeAddress' => $found,
        }];
    } catch (SoapFault $fault) {
        $code = explode(':', $fault->faultcode);
        $detail = $fault->detail->UnknownResident ?? null;
        // A value that says its type stays wrapped where no class is known for it.
        $about = $detail instanceof SoapVar ? $detail->enc_value->id : $detail?->id;
        $results[] = ['fault' => ['code' => end($code), 'about' => $about]];
    }
}
echo json_encode($results, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
