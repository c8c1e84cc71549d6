package org.banyan.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import jakarta.xml.ws.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Serves the registry on a free port, prints its address and that of its control, and ends when its input does. A stack
 * that can't use this server has one of its own, at the port that is the second argument.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] arguments) throws Exception {
        // A stack trace in a fault is not the same twice, and Nagle costs 40 ms a call.
        System.setProperty("com.sun.xml.ws.fault.SOAPFaultBuilder.disableCaptureStackTrace", "true");
        System.setProperty("sun.net.httpserver.nodelay", "true");
        Store store = new Store(Path.of(arguments[0]));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        ExecutorService threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        String here = "http://127.0.0.1:" + server.getAddress().getPort();
        String address = here + "/registry";
        if (arguments.length > 1) {
            address = "http://127.0.0.1:" + arguments[1] + "/registry";
            Endpoint.publish(address, new Registry(store));
        } else {
            Endpoint.create(new Registry(store)).publish(server.createContext("/registry"));
            Endpoint.create(new Registry12(store)).publish(server.createContext("/registry12"));
        }
        server.createContext("/control", exchange -> control(store, exchange));
        server.start();
        System.out.println(address);
        System.out.println(here + "/control");
        System.out.flush();
        System.in.readAllBytes();
        server.stop(0);
        threads.shutdownNow();
        System.exit(0);
    }

    private static void control(Store store, HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> asked = new HashMap<>();
            for (String pair : exchange.getRequestURI().getRawQuery().split("&")) {
                String[] parts = pair.split("=", 2);
                asked.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
            }
            store.control(asked);
            exchange.sendResponseHeaders(204, -1);
        }
    }
}
