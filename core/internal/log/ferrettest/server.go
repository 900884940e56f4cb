package ferrettest

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Variable names a real MongoDB for the tests; without it they use FerretDB.
const Variable = "PALABRE_TEST_MONGODB_URI"

// Server is a store of a test, which can be taken away and brought back. Its data and address stay.
type Server struct {
	t        testing.TB
	uri      string
	database string
	proxy    *proxy // nil where the real server cannot be reached through one
}

// Start gives the address of a running server, the name of a database that nobody else uses, and a function that
// takes the server away for good. The test's end does that too.
func Start(t testing.TB) (uri, database string, stop func()) {
	t.Helper()
	s := New(t)
	return s.URI(), s.Database(), s.Stop
}

// New starts a server for the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, database: "test_" + newID()}
	if real := os.Getenv(Variable); real != "" {
		s.useReal(real)
	} else {
		s.useFerret()
	}
	return s
}

func (s *Server) useFerret() {
	s.t.Helper()
	ferret, err := Serve("127.0.0.1:0", s.t.TempDir())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(ferret.Close)
	s.proxy, s.uri = ferret.proxy, ferret.URI()
}

// useReal puts a proxy before a server that stands at one plain address. Several, or a name to be looked up, or TLS,
// are used directly, and the tests that stop the server are skipped.
func (s *Server) useReal(uri string) {
	s.t.Helper()
	s.uri = uri
	address, err := url.Parse(uri)
	if err != nil || address.Scheme != "mongodb" || strings.Contains(address.Host, ",") || strings.Contains(address.RawQuery, "tls=") || address.Port() == "" {
		return
	}
	s.proxy = newProxy("127.0.0.1:0", address.Host)
	if err := s.proxy.start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.proxy.stop)
	address.Host = s.proxy.address
	if address.Path == "" {
		address.Path = "/"
	}
	query := address.Query()
	query.Set("directConnection", "true") // else a replica set would tell its own address
	address.RawQuery = query.Encode()
	s.uri = address.String()
}

// URI is the server's address.
func (s *Server) URI() string { return s.uri }

// Database is the name of the test's own database.
func (s *Server) Database() string { return s.database }

// Stop takes the server away: connections are cut, new ones refused.
func (s *Server) Stop() {
	if s.proxy == nil {
		s.t.Skipf("%s cannot be stopped: set it to one plain mongodb:// address with a port", Variable)
	}
	s.proxy.stop()
}

// Start brings the server back.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.proxy.start(); err != nil {
		s.t.Fatal(err)
	}
}

// LoseAnswers lets requests through and loses the answers, or stops that.
func (s *Server) LoseAnswers(lose bool) {
	if s.proxy == nil {
		s.t.Skipf("%s cannot be disturbed: set it to one plain mongodb:// address with a port", Variable)
	}
	s.proxy.mute.Store(lose)
}

func newID() string { return string(core.NewID(time.Now())) }
