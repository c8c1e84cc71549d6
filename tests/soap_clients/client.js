// A caller of the registry in JavaScript: reads a job from its input, writes a result for each call as JSON.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const zlib = require("node:zlib");
const soap = require("soap");

const job = JSON.parse(fs.readFileSync(0, "utf8"));
const styles = { "": {}, gzip: { forceGzip: true }, mtom: { forceMTOM: true }, chunked: {} };

// The library never sends chunks, and says the length from before it packed the body.
function send(options) {
  return new Promise((resolve, reject) => {
    const { data } = options;
    const headers = { ...options.headers };
    if (data && job.style === "chunked") {
      delete headers["Content-Length"];
      Object.assign(headers, { "Transfer-Encoding": "chunked", Expect: "100-continue" });
    } else if (data) {
      headers["Content-Length"] = Buffer.byteLength(data);
    }
    const request = http.request(options.url, { method: options.method, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        const whole = Buffer.concat(parts);
        const body = response.headers["content-encoding"] === "gzip" ? zlib.gunzipSync(whole) : whole;
        resolve({ status: response.statusCode, headers: response.headers, data: body.toString() });
      });
    });
    request.on("error", reject);
    if (!headers.Expect) return request.end(data);
    request.on("continue", () => {
      for (let at = 0; at < data.length; at += 100) request.write(data.slice(at, at + 100));
      request.end();
    });
  });
}

function resident(found) {
  return {
    id: found.id,
    name: found.name,
    city: found.city,
    born: typeof found.born === "string" ? found.born : null,
    modified: found.lastModified,
  };
}

function answer(operation, [found]) {
  if (operation === "ListResidents") return (found?.resident ?? []).map(resident);
  if (operation === "ReadResident") return resident(found.resident);
  return { ...found.change, validFrom: found.change.validFrom.toISOString().slice(0, 10) };
}

function fault(error) {
  const told = error.root?.Envelope?.Body?.Fault;
  if (!told) throw error;
  const [code, text, detail] = told.Code
    ? [told.Code.Value, told.Reason.Text.$value ?? told.Reason.Text, told.Detail]
    : [told.faultcode, told.faultstring, told.detail];
  const about = detail?.UnknownResident?.id ?? (detail?.fault && "façade");
  return { code: code.split(":").pop(), text, about: about ?? null };
}

async function main() {
  const more = ["chunked", "gzip"].includes(job.style) ? { request: send } : {};
  const client = await soap.createClientAsync(job.wsdl, { forceSoap12Headers: job.version === "1.2", ...more });
  const results = [];
  for (const call of job.calls) {
    const action =
      job.version === "1.2"
        ? { "Content-Type": `application/soap+xml; charset=utf-8; action="${call.action}"` }
        : { SOAPAction: `"${call.action}"` };
    const headers = { ...call.http, ...(call.action ? action : {}) };
    client.clearSoapHeaders();
    if (call.header) client.addSoapHeader(call.header);
    try {
      const found = await client[`${call.operation}Async`](call.arguments, styles[job.style], headers);
      results.push({ answer: answer(call.operation, found) });
    } catch (error) {
      results.push({ fault: fault(error) });
    }
  }
  process.stdout.write(JSON.stringify(results));
}

main();
