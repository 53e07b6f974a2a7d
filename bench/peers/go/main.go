// The plain echo server in Go: a goroutine a connection. It is built with plain.go or with tls.go, which listen; so the plain
// program has nothing of TLS in it.
//
// Read and Write rather than io.Copy, which would have the kernel splice the bytes without the program seeing them.
// The net package sets TCP_NODELAY by itself, and its Write returns only when all is sent.
package main

import (
	"log"
	"net"
)

const readSize = 65536

func main() {
	listener, err := listen()
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
