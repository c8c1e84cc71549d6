<?php
// A caller of the registry in PHP: reads a job from its input, writes a result for each call as JSON.
declare(strict_types=1);

final class Client extends SoapClient
{
    public ?string $named = null;

    public function __doRequest(string $request, string $location, string $action, int $version, bool $one = false): ?string
    {
        return parent::__doRequest($request, $location, $this->named ?? $action, $version, $one);
    }
}

function resident(stdClass $found): array
{
    return [
        'id' => $found->id,
        'name' => $found->name,
        'city' => $found->city,
        'born' => $found->born ?? null,
        'modified' => $found->lastModified,
    ];
}

function answer(string $operation, stdClass $found): array
{
    return match ($operation) {
        'ListResidents' => array_map('resident', $found->resident ?? []),
        'ReadResident' => resident($found->resident),
        'ChangeAddress' => ['fee' => (float) $found->change->fee] + (array) $found->change,
    };
}

function fault(SoapFault $fault): array
{
    $detail = $fault->detail ?? null;
    $code = explode(':', $fault->faultcode);
    return [
        'code' => end($code),
        'text' => $fault->faultstring,
        'about' => $detail->UnknownResident->id ?? (isset($detail->fault->requestId) ? 'façade' : null),
    ];
}

$job = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);
$context = stream_context_create(['http' => []]);
$client = new Client($job['wsdl'], [
    'soap_version' => $job['version'] === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
    'stream_context' => $context,
] + ($job['style'] === 'gzip' ? ['compression' => SOAP_COMPRESSION_ACCEPT | SOAP_COMPRESSION_GZIP | 5] : []));
$results = [];
foreach ($job['calls'] as $call) {
    $lines = array_map(fn ($name, $value) => "$name: $value", array_keys($call['http']), $call['http']);
    stream_context_set_option($context, 'http', 'header', implode("\r\n", $lines));
    $header = $call['header']
        ? new SoapHeader('urn:banyan:testing:registry', 'Caller', new SoapVar($call['header'], XSD_ANYXML))
        : null;
    $client->named = $call['action'];
    try {
        $found = $client->__soapCall($call['operation'], [$call['arguments']], null, $header);
        $results[] = ['answer' => answer($call['operation'], $found)];
    } catch (SoapFault $fault) {
        $results[] = ['fault' => fault($fault)];
    }
}
echo json_encode($results, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE);
