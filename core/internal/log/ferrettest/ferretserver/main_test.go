package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
)

const variable = "FERRETSERVER_TEST_DATA"

// TestMain plays the command itself when a test asks for it.
func TestMain(m *testing.M) {
	if data := os.Getenv(variable); data != "" {
		os.Args = []string{"ferretserver", "-data", data}
		main()
		return
	}
	os.Exit(m.Run())
}

// serve runs the command until the test stops it, and gives its address.
func serve(t *testing.T, data string) (uri string, stop func(os.Signal)) {
	t.Helper()
	server := exec.CommandContext(t.Context(), os.Args[0])
	server.Env = append(os.Environ(), variable+"="+data)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func(s os.Signal) {
		server.Process.Signal(s)
		server.Wait()
	}
}

// TestServer uses one database from two logs, and again after the server was ended and started on the same data.
func TestServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	commits := logtest.Chain(nil, 2)
	for i, signal := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		uri, stop := serve(t, data)
		writer, reader := open(t, uri), open(t, uri)
		if _, err := writer.Append(t.Context(), commits[i:i+1]); err != nil {
			t.Fatal(err)
		}
		if got, err := reader.Read(t.Context(), 1, 10); err != nil || len(got) != i+1 {
			t.Errorf("round %d: got %d commits, %v", i+1, len(got), err)
		}
		stop(signal)
	}
}

func open(t *testing.T, uri string) *mongolog.Log {
	t.Helper()
	l, err := mongolog.Open(mongolog.Options{URI: uri})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestRun_NeedsAFolder(t *testing.T) {
	t.Parallel()
	if err := run("127.0.0.1:0", ""); err == nil {
		t.Error("it ran without a folder")
	}
}
