-- wrk: 2 KB SOAP POSTs with a fresh traceparent and one of 50,000 keys each; prints one line of JSON at the end.
-- Arguments: HOST:PORT, and `header` or `body`, where the key varies. With WAIT_MS in the environment, a connection
-- waits so long between two calls.
local KEYS = 50000
local WAIT_MS = tonumber(os.getenv("WAIT_MS") or "0")
local head, middle, tail
local count, run = 0, 0
local ids, keys = {}, {}

function setup(thread) run = run + 1; thread:set("run", run) end

function init(arguments)
  local place, varies = arguments[1], arguments[2]
  math.randomseed(os.time() + run)
  for n = 1, 5000 do ids[n] = string.format("%08x%08x%08x", n, math.random(0, 2 ^ 31), math.random(0, 2 ^ 31)) end
  for n = 0, KEYS - 1 do keys[n] = string.format("%08d", n) end
  local body = '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    .. ' xmlns:r="urn:example:registry"><soap:Header/><soap:Body><r:ChangeAddress><residentId>%s</residentId><address>'
  local ending = "</address></r:ChangeAddress></soap:Body></soap:Envelope>"
  local line = "<line>Nedre Strandgate 12, 4. sal til venstre</line>"
  while #body + #ending + #line + 6 < 2048 do body = body .. line end
  body = body .. string.rep(" ", 2048 - #body - #ending - 6) .. ending
  head = "POST /registry HTTP/1.1\r\nHost: " .. place .. "\r\nContent-Type: text/xml; charset=utf-8\r\n"
    .. 'SOAPAction: "urn:example:registry/ChangeAddress"\r\nContent-Length: 2048\r\ntraceparent: 00-'
  if varies == "header" then
    middle = "-00f067aa0ba902b7-00\r\nX-Citizen: "
    tail = "\r\n\r\n" .. body:format("00000001")
  else
    local before, after = body:match("^(.-)%%s(.*)$")
    middle = "-00f067aa0ba902b7-00\r\n\r\n" .. before
    tail = after
  end
end

function request()
  count = count + 1
  -- A fresh trace id: 8 digits of this call, and 24 drawn ones, since samplers read the last 14.
  local id = keys[count % KEYS]:sub(5) .. keys[math.floor(count / KEYS) % KEYS]:sub(5) .. ids[math.random(5000)]
  return head .. id .. middle .. keys[math.random(0, KEYS - 1)] .. tail
end

if WAIT_MS > 0 then
  function delay() return WAIT_MS end
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, "not_2xx": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, e.status, e.connect + e.read + e.write + e.timeout))
end
