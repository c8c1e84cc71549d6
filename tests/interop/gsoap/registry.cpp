// The registry in C++: `registry serve FILE` prints its address, and ends when its input does; `registry call ADDRESS`
// reads a call for each line of its input, cells by tabs, and writes the results as JSON.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "ResidentRegistryBinding.nsmap"
#include "soapResidentRegistryBindingProxy.h"
#include "soapResidentRegistryBindingService.h"

namespace {

using Cells = std::vector<std::string>;

Cells split(const std::string &line) {
  Cells cells;
  std::stringstream rest(line);
  for (std::string cell; std::getline(rest, cell, '\t');) cells.push_back(cell);
  return cells;
}

std::string quoted(const std::string *text) {
  if (text == nullptr) return "null";
  std::string out = "\"";
  for (unsigned char sign : *text) {
    char code[8];
    if (sign == '"' || sign == '\\') {
      out += '\\';
      out += static_cast<char>(sign);
    } else if (sign < 0x20) {
      std::snprintf(code, sizeof code, "\\u%04x", sign);
      out += code;
    } else {
      out += static_cast<char>(sign);
    }
  }
  return out + "\"";
}

class Registry : public ResidentRegistryBindingService {
 public:
  explicit Registry(std::string file) : ResidentRegistryBindingService(SOAP_C_UTFSTRING), file_(std::move(file)) {
    soap->bind_flags = SO_REUSEADDR;
    soap->recv_timeout = soap->send_timeout = 30;
  }

  ResidentRegistryBindingService *copy() override { return new Registry(file_); }

  int ListResidents(_ns1__ListResidents *asked, _ns1__ListResidentsResponse &found) override {
    for (const Cells &cells : lines()) {
      if (asked->modifiedSince == nullptr || cells[6] >= *asked->modifiedSince) {
        found.resident.push_back(resident(cells));
      }
    }
    return SOAP_OK;
  }

  int ReadResident(_ns1__ReadResident *asked, _ns1__ReadResidentResponse &found) override {
    for (const Cells &cells : lines()) {
      if (asked->id != nullptr && cells[0] == *asked->id) {
        found.resident = resident(cells);
        return cells[5] == "broken" ? soap_receiverfault("the database is closed", nullptr) : SOAP_OK;
      }
    }
    return unknown(asked->id);
  }

  int ChangeAddress(_ns1__ChangeAddress *asked, _ns1__ChangeAddressResponse &found) override {
    std::vector<Cells> all = lines();
    for (Cells &cells : all) {
      if (asked->id == nullptr || cells[0] != *asked->id) continue;
      cells[2] = asked->street ? *asked->street : "";
      cells[3] = asked->city ? *asked->city : "";
      std::ofstream out(file_);
      for (const Cells &each : all) {
        for (size_t at = 0; at < each.size(); ++at) out << (at ? "\t" : "") << each[at];
        out << "\n";
      }
      found.change = soap_new_ns1__addressChange(soap);
      found.change->id = cells[0];
      found.change->address = text(cells[2] + ", " + cells[3]);
      found.change->accepted = true;
      found.change->fee = text("12.50");
      found.change->validFrom = text("2026-12-01");
      return SOAP_OK;
    }
    return unknown(asked->id);
  }

 private:
  std::string file_;

  std::vector<Cells> lines() const {
    std::vector<Cells> found;
    std::ifstream in(file_);
    for (std::string line; std::getline(in, line);) found.push_back(split(line));
    return found;
  }

  std::string *text(const std::string &value) {
    std::string *made = soap_new_std__string(soap);
    *made = value;
    return made;
  }

  ns1__resident *resident(const Cells &cells) {
    ns1__resident *made = soap_new_ns1__resident(soap);
    made->id = cells[0];
    made->name = text(cells[1]);
    made->street = text(cells[2]);
    made->city = text(cells[3]);
    made->born = cells[4].empty() ? nullptr : text(cells[4]);
    made->status = text(cells[5]);
    made->lastModified = cells[6];
    made->points = static_cast<int>(cells[0].size());
    made->registered = cells[6].substr(0, 10);
    return made;
  }

  int unknown(std::string *id) {
    soap_receiverfault("nobody has this number", nullptr);
    ::soap_faultdetail(soap);
    auto *said = soap_new__ns1__UnknownResident(soap);
    said->id = id;
    said->message = text("nobody has this number");
    SOAP_ENV__Detail *detail = soap->fault->detail;
    if (detail == nullptr) {
      detail = soap->fault->detail = soap_new_SOAP_ENV__Detail(soap);
    }
    detail->ns1__UnknownResident = said;
    return SOAP_FAULT;
  }
};

int serve(const char *file) {
  std::signal(SIGPIPE, SIG_IGN);
  Registry server(file);
  if (!soap_valid_socket(server.bind("127.0.0.1", 0, 100))) {
    server.soap_stream_fault(std::cerr);
    return 1;
  }
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(server.soap->master, reinterpret_cast<sockaddr *>(&address), &size);
  std::cout << "http://127.0.0.1:" << ntohs(address.sin_port) << "/registry" << std::endl;
  std::thread([] {
    while (std::cin.get() != EOF) {
    }
    std::_Exit(0);
  }).detach();
  while (soap_valid_socket(server.accept())) {
    server.serve();
    server.destroy();
  }
  return 0;
}

std::string resident(const ns1__resident *found) {
  return "{\"id\":" + quoted(&found->id) + ",\"name\":" + quoted(found->name) + ",\"city\":" + quoted(found->city) +
         ",\"born\":" + quoted(found->born) + ",\"modified\":" + quoted(&found->lastModified) + "}";
}

std::string fault(ResidentRegistryBindingProxy &proxy) {
  const char *code = *soap_faultcode(proxy.soap);
  const char *said = *soap_faultstring(proxy.soap);
  std::string local = code == nullptr ? "" : code;
  local = local.substr(local.find(':') + 1);
  const std::string text = said == nullptr ? "" : said;
  const SOAP_ENV__Fault *found = proxy.soap->fault;
  const SOAP_ENV__Detail *detail = found == nullptr ? nullptr : (found->detail ? found->detail : found->SOAP_ENV__Detail);
  const auto *unknown = detail == nullptr ? nullptr : detail->ns1__UnknownResident;
  return "{\"fault\":{\"code\":" + quoted(&local) + ",\"text\":" + quoted(&text) +
         ",\"about\":" + quoted(unknown ? unknown->id : nullptr) + "}}";
}

std::string called(ResidentRegistryBindingProxy &proxy, Cells cells) {
  cells.resize(4);
  if (cells[0] == "ReadResident") {
    _ns1__ReadResident asked;
    _ns1__ReadResidentResponse found;
    asked.id = &cells[1];
    if (proxy.ReadResident(&asked, found) != SOAP_OK) return fault(proxy);
    return "{\"answer\":" + resident(found.resident) + "}";
  }
  if (cells[0] == "ChangeAddress") {
    _ns1__ChangeAddress asked;
    _ns1__ChangeAddressResponse found;
    asked.id = &cells[1], asked.street = &cells[2], asked.city = &cells[3];
    if (proxy.ChangeAddress(&asked, found) != SOAP_OK) return fault(proxy);
    const ns1__addressChange *change = found.change;
    return "{\"answer\":{\"id\":" + quoted(&change->id) + ",\"address\":" + quoted(change->address) +
           ",\"accepted\":" + (change->accepted ? "true" : "false") + ",\"fee\":" + *change->fee +
           ",\"validFrom\":" + quoted(change->validFrom) + "}}";
  }
  _ns1__ListResidents asked;
  _ns1__ListResidentsResponse found;
  asked.modifiedSince = &cells[1];
  if (proxy.ListResidents(&asked, found) != SOAP_OK) return fault(proxy);
  std::string all;
  for (const ns1__resident *each : found.resident) all += (all.empty() ? "" : ",") + resident(each);
  return "{\"answer\":[" + all + "]}";
}

int call(const char *address) {
  ResidentRegistryBindingProxy proxy(address, SOAP_C_UTFSTRING | SOAP_IO_KEEPALIVE);
  std::string results;
  for (std::string line; std::getline(std::cin, line);) {
    results += (results.empty() ? "" : ",") + called(proxy, split(line));
    proxy.destroy();
  }
  std::cout << "[" << results << "]";
  return 0;
}

}  // namespace

int main(int count, char **arguments) {
  if (count == 3 && std::string(arguments[1]) == "serve") return serve(arguments[2]);
  if (count == 3 && std::string(arguments[1]) == "call") return call(arguments[2]);
  return 2;
}
