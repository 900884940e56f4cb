// Package ferrettest gives tests a server that speaks MongoDB's protocol: FerretDB with its SQLite backend, in the
// test's own process, or the real one that PALABRE_TEST_MONGODB_URI names.
//
// FerretDB has no transactions, no change streams and no TTL indexes, and it is slow: keep what is stored small. It
// must never be linked into the program.
package ferrettest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// Ferret is a running FerretDB.
type Ferret struct {
	proxy  *proxy
	cancel context.CancelFunc
	ended  chan struct{}
}

// starting guards FerretDB's own global state while an instance is made.
var starting sync.Mutex

// Serve starts FerretDB on a TCP address ("127.0.0.1:0" takes a free port) with its files in a folder that it
// makes when absent. It answers when Serve returns.
func Serve(address, dir string) (*Ferret, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := newFerret(dir)
	if err != nil {
		return nil, fmt.Errorf("ferrettest: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Ferret{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		f.Run(ctx)
	}()
	inner, err := url.Parse(f.MongoDBURI())
	if err == nil {
		s.proxy = newProxy(address, inner.Host)
		s.proxy.oneByOne = true
		err = s.proxy.start()
	}
	if err != nil {
		s.cancel()
		<-s.ended
		return nil, fmt.Errorf("ferrettest: %w", err)
	}
	return s, nil
}

func newFerret(dir string) (*ferretdb.FerretDB, error) {
	starting.Lock()
	defer starting.Unlock()
	return ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/",
	})
}

// URI is the server's address.
func (s *Ferret) URI() string { return "mongodb://" + s.proxy.address + "/?directConnection=true" }

// Close cuts all connections and stops the server.
func (s *Ferret) Close() {
	s.proxy.stop()
	s.cancel()
	<-s.ended
}
