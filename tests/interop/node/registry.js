// The registry in JavaScript, by `soap` of npm: the contract comes first, and residents are in a file with tabs.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const soap = require("soap");

const [contract, file] = process.argv.slice(2);
const NOBODY = "nobody has this number";

function lines() {
  const all = fs.readFileSync(file, "utf8").split("\n").filter(Boolean);
  return new Map(all.map((line) => line.split("\t")).map((cells) => [cells[0], cells]));
}

function resident([id, name, street, city, born, status, lastModified]) {
  const known = born === "" ? {} : { born };
  const more = { status, lastModified, points: id.length, registered: lastModified.slice(0, 10) };
  return { id, name, street, city, ...known, ...more };
}

function find(all, id) {
  const found = all.get(id);
  if (found) return found;
  const detail = { UnknownResident: { id, message: NOBODY } };
  throw { Fault: { faultcode: "soap:Server", faultstring: NOBODY, detail } };
}

const operations = {
  // Of an element without children it makes null.
  ListResidents(asked) {
    const modifiedSince = asked?.modifiedSince;
    const found = [...lines().values()].filter((cells) => cells[6] >= (modifiedSince ?? ""));
    return { resident: found.map(resident) };
  },
  ReadResident({ id }) {
    const found = find(lines(), id);
    if (found[5] === "broken") throw { Fault: { faultcode: "soap:Server", faultstring: "the database is closed" } };
    return { resident: resident(found) };
  },
  ChangeAddress({ id, street, city }) {
    const all = lines();
    find(all, id).splice(2, 2, street, city);
    fs.writeFileSync(file, [...all.values()].map((cells) => cells.join("\t") + "\n").join(""));
    const change = { id, address: `${street}, ${city}`, accepted: true, fee: "12.50", validFrom: "2026-12-01" };
    return { change };
  },
};

const server = http.createServer((_, response) => response.writeHead(404).end());
server.listen(0, "127.0.0.1", () => {
  const service = { ResidentRegistry: { ResidentRegistryPort: operations } };
  soap.listen(server, "/registry", service, fs.readFileSync(contract, "utf8"));
  process.stdout.write(`http://127.0.0.1:${server.address().port}/registry\n`);
});
process.stdin.resume().on("end", () => process.exit(0));
