package org.banyan.testing.axis;

import java.net.InetAddress;
import java.net.ServerSocket;
import org.apache.axis.configuration.FileProvider;
import org.apache.axis.transport.http.SimpleAxisServer;

/** Serves the registry on a free port, prints its address, and ends when its input does. */
public final class Main {
    private Main() {
    }

    public static void main(String[] arguments) throws Exception {
        SimpleAxisServer server = new SimpleAxisServer() {
            @Override
            protected boolean isSessionUsed() {
                // Each call would get a cookie of its own.
                return false;
            }
        };
        server.setMyConfig(new FileProvider(arguments[0]));
        ServerSocket socket = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        server.setServerSocket(socket);
        server.start(true);
        System.out.println("http://127.0.0.1:" + socket.getLocalPort() + "/axis/services/registry");
        System.out.flush();
        while (System.in.read() >= 0) {
            continue;
        }
        System.exit(0);
    }
}
