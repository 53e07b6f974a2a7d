package main

import (
	"log"
	"net"
	"os"
)

// usage: go-echo PORT
func listen() (net.Listener, error) {
	if len(os.Args) != 2 {
		log.Fatal("usage: go-echo PORT")
	}

	return net.Listen("tcp", ":"+os.Args[1])
}
