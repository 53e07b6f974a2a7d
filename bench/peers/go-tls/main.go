// The plain echo server in Go with TLS 1.3: a goroutine a connection.
// usage: go-tls-echo PORT CERTIFICATE KEY
//
// The net package sets TCP_NODELAY by itself. Sessions are resumed with tickets, which is crypto/tls's default.
package main

import (
	"crypto/tls"
	"log"
	"net"
	"os"
)

const readSize = 65536

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go-tls-echo PORT CERTIFICATE KEY")
	}

	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}

	listener, err := tls.Listen("tcp", ":"+os.Args[1], &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS13,
	})
	if err != nil {
		log.Fatal(err)
	}

	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}

		go echo(connection)
	}
}

// The handshake is a part of the first Read.
func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, readSize)
	for {
		count, err := connection.Read(buffer)
		if err != nil {
			return
		}

		if _, err := connection.Write(buffer[:count]); err != nil {
			return
		}
	}
}
