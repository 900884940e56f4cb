package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The system tests run the real program as a process and speak to it as its users do: HTTP, the command line, signals.

// adminToken is the administrator's token of every node here, given by the setting admin.token.
const adminToken = "pal_c3lzdGVtLXRlc3RzLW9ubHktMDAwMDAwMDAwMDAwMDAw"

var built struct {
	sync.Once
	path string
	err  error
}

// binary builds the program once for each run of the tests, with failpoints compiled in.
func binary(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "palabre-test-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "palabre")
		out, err := exec.Command("go", "build", "-tags", "failpoint", "-o", built.path, ".").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// TestMain takes the built program away again.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// node is a running server.
type node struct {
	t    testing.TB
	URL  string
	Dir  string
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan struct{}
}

// nodeOptions says how to start one. The zero value is an embedded store in a fresh directory with the types of
// testdata/system.
type nodeOptions struct {
	Dir  string
	Env  []string
	Args []string
	// Address fixes host:port; "" takes a free one.
	Address string
	// NoWait returns without waiting for the node to be ready.
	NoWait bool
}

// start runs a server and waits until it answers. It is killed when the test ends.
func start(t testing.TB, o nodeOptions) *node {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Address == "" {
		o.Address = freeAddress(t)
	}
	n := &node{t: t, URL: "http://" + o.Address, Dir: o.Dir, log: &lockedBuffer{}, done: make(chan struct{})}
	n.cmd = exec.Command(binary(t), append([]string{"serve"}, o.Args...)...)
	n.cmd.Env = append(environment(o.Dir), "PALABRE_LISTEN="+o.Address)
	n.cmd.Env = append(n.cmd.Env, o.Env...)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.done)
	}()
	t.Cleanup(n.Kill)
	if !o.NoWait {
		n.waitReady()
	}
	return n
}

// environment is that of a program of these tests: what the machine has set for Palabre does not count.
func environment(dir string) []string {
	schemas, err := filepath.Abs("testdata/system")
	if err != nil {
		panic(err)
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PALABRE_") {
			env = append(env, v)
		}
	}
	return append(env, "PALABRE_DATA="+dir, "PALABRE_SCHEMAS="+schemas, "PALABRE_ADMIN_TOKEN="+adminToken)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitReady waits until /readyz answers 200, or the process ends.
func (n *node) waitReady() {
	n.t.Helper()
	eventually(n.t, 30*time.Second, func() error {
		select {
		case <-n.done:
			n.t.Fatalf("the server ended:\n%s", n.log)
		default:
		}
		resp, err := http.Get(n.URL + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", resp.Status)
		}
		return nil
	})
}

// Kill ends the process at once, as a power cut would.
func (n *node) Kill() {
	_ = n.cmd.Process.Kill()
	<-n.done
}

// Stop asks the process to end and gives its exit code.
func (n *node) Stop() int {
	n.t.Helper()
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(40 * time.Second):
		n.t.Fatalf("SIGTERM did not end the server:\n%s", n.log)
	}
	return n.cmd.ProcessState.ExitCode()
}

// palabre runs a command of the program on a data directory and gives what it printed.
func palabre(t testing.TB, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = environment(dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustPalabre is palabre for a command that must succeed.
func mustPalabre(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := palabre(t, dir, args...)
	if err != nil {
		t.Fatalf("palabre %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// answer is a response that has been read.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON decodes the body.
func (a *answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.Body, &m); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return m
}

// Position is the commit that the write made, for Wait-For-Position.
func (a *answer) Position() int64 {
	n, _ := strconv.ParseInt(a.Header.Get("Content-Position"), 10, 64)
	return n
}

var client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}

// try sends a request as the administrator; headers come as "Name: value". An error is one of the connection.
func (n *node) try(ctx context.Context, method, path string, body any, headers ...string) (*answer, error) {
	return n.send(ctx, method, path, body, append([]string{"Authorization: Bearer " + adminToken}, headers...)...)
}

// public sends a request as nobody.
func (n *node) public(method, path string, headers ...string) *answer {
	n.t.Helper()
	a, err := n.send(context.Background(), method, path, nil, headers...)
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

func (n *node) send(ctx context.Context, method, path string, body any, headers ...string) (*answer, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.URL+path, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return &answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, err
}

// want sends a request as the administrator and insists on a status.
func (n *node) want(status int, method, path string, body any, headers ...string) *answer {
	n.t.Helper()
	a, err := n.try(context.Background(), method, path, body, headers...)
	if err != nil {
		n.t.Fatalf("%s %s: %v\n%s", method, path, err, n.log)
	}
	if a.Status != status {
		n.t.Fatalf("%s %s: %d, want %d\n%s", method, path, a.Status, status, a.Body)
	}
	return a
}

// create makes an entry and gives its id.
func (n *node) create(typ string, fields map[string]any, query string) string {
	n.t.Helper()
	id, _ := n.want(http.StatusCreated, "POST", "/api/v1/content/"+typ+query, fields).JSON(n.t)["_id"].(string)
	return id
}

// eventually repeats a check until it passes, and fails with its last error when the time is over.
func eventually(t testing.TB, patience time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s still: %v", patience, err)
		}
		timer := time.NewTimer(pause)
		<-timer.C
	}
}

// lockedBuffer collects what a process prints while tests read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var errNotYet = errors.New("not yet")
