// Command ferretserver runs FerretDB as a process of its own, for tests with several processes. It prints its address
// when it answers and ends on SIGINT or SIGTERM.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "TCP address to listen on")
	data := flag.String("data", "", "folder of the data")
	flag.Parse()
	if err := run(*address, *data); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, data string) error {
	if data == "" {
		return fmt.Errorf("ferretserver: say with -data in which folder the data are")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	ferret, err := ferrettest.Serve(address, data)
	if err != nil {
		return err
	}
	fmt.Println(ferret.URI())
	<-stop
	ferret.Close()
	return nil
}
