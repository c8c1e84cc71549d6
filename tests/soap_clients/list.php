<?php
// Loads a contract from the address given, calls List through it, and writes what came as JSON.
declare(strict_types=1);

$client = new SoapClient($argv[1], ['cache_wsdl' => WSDL_CACHE_NONE, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS]);
$found = $client->List(['limit' => 5]);
$residents = array_map(fn ($each) => ['id' => $each->id, 'status' => $each->status], $found->resident);
echo json_encode(['residents' => $residents, 'complete' => $found->complete], JSON_THROW_ON_ERROR);
