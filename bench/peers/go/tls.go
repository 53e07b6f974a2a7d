package main

import (
	"crypto/tls"
	"log"
	"net"
	"os"
)

// usage: go-tls-echo PORT CERTIFICATE KEY
//
// TLS 1.3. Sessions are resumed with tickets, which is crypto/tls's default. The handshake is a part of the first Read.
func listen() (net.Listener, error) {
	if len(os.Args) != 4 {
		log.Fatal("usage: go-tls-echo PORT CERTIFICATE KEY")
	}

	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		return nil, err
	}

	return tls.Listen("tcp", ":"+os.Args[1], &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS13,
	})
}
