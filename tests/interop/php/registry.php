<?php
// The registry in PHP, for its built-in server: the contract comes first, and residents are in a file with tabs.
declare(strict_types=1);

const NOBODY = 'nobody has this number';

final class Registry
{
    public function ListResidents(stdClass $asked): array
    {
        $since = $asked->modifiedSince ?? '';
        $found = array_filter(lines(), fn ($each) => $each[6] >= $since);
        return ['resident' => array_map(resident(...), array_values($found))];
    }

    public function ReadResident(stdClass $asked): array
    {
        $found = lines()[$asked->id ?? ''] ?? unknown($asked->id ?? '');
        if ($found[5] === 'broken') {
            throw new SoapFault('Server', 'the database is closed');
        }
        return ['resident' => resident($found)];
    }

    public function ChangeAddress(stdClass $asked): array
    {
        $all = lines();
        $all[$asked->id ?? ''] ?? unknown($asked->id ?? '');
        [$all[$asked->id][2], $all[$asked->id][3]] = [$asked->street, $asked->city];
        file_put_contents(getenv('RESIDENTS'), implode('', array_map(fn ($each) => implode("\t", $each) . "\n", $all)));
        $said = ['id' => $asked->id, 'address' => "$asked->street, $asked->city", 'accepted' => true];
        return ['change' => $said + ['fee' => '12.50', 'validFrom' => '2026-12-01']];
    }
}

function lines(): array
{
    $found = [];
    foreach (file(getenv('RESIDENTS'), FILE_IGNORE_NEW_LINES) as $line) {
        $cells = explode("\t", $line);
        $found[$cells[0]] = $cells;
    }
    return $found;
}

function resident(array $cells): array
{
    $names = ['id', 'name', 'street', 'city', 'born', 'status', 'lastModified'];
    $found = array_filter(array_combine($names, $cells), fn ($each) => $each !== '');
    return $found + ['points' => strlen($cells[0]), 'registered' => substr($cells[6], 0, 10)];
}

function unknown(string $id): never
{
    throw new SoapFault('Server', NOBODY, null, ['id' => $id, 'message' => NOBODY], 'UnknownResident');
}

if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    header('Content-Type: text/xml; charset=utf-8');
    $here = 'location="http://' . $_SERVER['HTTP_HOST'] . '/registry"';
    echo preg_replace('~location="[^"]*"~', $here, file_get_contents(getenv('CONTRACT')));
    return;
}
$server = new SoapServer(getenv('CONTRACT'), ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new Registry());
$server->handle();
