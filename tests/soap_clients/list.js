// Loads a contract from the address given, calls List through it, and writes what came as JSON.
"use strict";
const soap = require("soap");

async function main() {
  const client = await soap.createClientAsync(process.argv[2]);
  const [found] = await client.ListAsync({ limit: 5 });
  const residents = found.resident.map(({ id, status }) => ({ id, status }));
  process.stdout.write(JSON.stringify({ residents, complete: found.complete }));
}

main();
