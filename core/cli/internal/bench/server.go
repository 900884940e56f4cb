package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/palabre-cms/palabre/core/app"
)

// server is a process under test.
type server struct {
	address string
	cmd     *exec.Cmd
	Started time.Duration // from the start of the process to its first answer
}

// startServer runs this program with arguments on a free port and waits for an answer of the path.
func startServer(ctx context.Context, path string, args, environ []string) (*server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{address: address, cmd: exec.Command(exe, append(args, "--listen", address)...)}
	s.cmd.Env = append(os.Environ(), environ...)
	var said strings.Builder
	s.cmd.Stderr = &said
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; it said: %s", err, said.String()), s.stop())
	}
	s.Started = time.Since(begun)
	return s, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// await asks until the server answers.
func (s *server) await(ctx context.Context, path string) error {
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until) && ctx.Err() == nil; {
		res, err := http.Get("http://" + s.address + path)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		if s.gone() {
			return errors.New("the server has ended")
		}
		time.Sleep(2 * time.Millisecond) // how exactly the time of a start is told
	}
	return errors.New("the server does not answer")
}

func (s *server) gone() bool { return s.cmd.Process.Signal(syscall.Signal(0)) != nil }

// stop ends the server as an operator does.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.cmd.Wait()
}

// visit asks for a path once, and forgets the answer.
func (s *server) visit(path string) error {
	res, err := http.Get("http://" + s.address + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// save asks for a path and keeps the body of the answer in a file.
func (s *server) save(path, file string) error {
	res, err := http.Get("http://" + s.address + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}

// anonymous is the resident memory that no file stands behind, in bytes; 0 where the system does not say.
func (s *server) anonymous() int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			kB, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kB << 10
		}
	}
	return 0
}

// Bare serves bodies from memory and does nothing else, as a program would that was written with the router that Palabre
// uses: the most that an HTTP server of this language gives here.
func Bare(ctx context.Context, address string, bodies map[string][]byte) error {
	srv := &http.Server{Addr: address, Handler: app.Bare(bodies)} // no time limits: they cost, and nobody is kept waiting
	context.AfterFunc(ctx, func() { srv.Close() })
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
