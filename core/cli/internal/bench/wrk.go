package bench

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// asker is a load generator: it asks a server for paths, over and over, on some connections for a while.
type asker struct {
	Name string
	ask  func(ctx context.Context, address string, paths []string, d time.Duration) (Load, error)
}

// newAsker takes wrk where it is installed, since others are measured with it; else the generator of this package, which
// leaves the server less of the machine. Its files stand in dir.
func newAsker(dir string) (asker, error) {
	program, err := exec.LookPath("wrk")
	if err != nil {
		return asker{"a generator of its own", loadPaths}, nil
	}
	w := &wrk{program: program, script: filepath.Join(dir, "wrk.lua"), paths: filepath.Join(dir, "wrk.paths")}
	return asker{fmt.Sprintf("wrk -t2 -c%d", connections), w.ask}, os.WriteFile(w.script, wrkScript, 0o600)
}

//go:embed wrk.lua
var wrkScript []byte

// wrk is the load generator of that name.
type wrk struct {
	program, script, paths string
}

func (w *wrk) ask(ctx context.Context, address string, paths []string, d time.Duration) (Load, error) {
	args := []string{"-t2", fmt.Sprintf("-c%d", connections), "-d" + wholeSeconds(d), "-s", w.script, "http://" + address + paths[0]}
	if len(paths) > 1 {
		if err := os.WriteFile(w.paths, []byte(strings.Join(paths, "\n")+"\n"), 0o600); err != nil {
			return Load{}, err
		}
		args = append(args, "--", w.paths)
	}
	out, err := exec.CommandContext(ctx, w.program, args...).CombinedOutput()
	if err != nil {
		return Load{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	return readWrk(string(out))
}

// wholeSeconds is a duration as wrk takes it.
func wholeSeconds(d time.Duration) string {
	return fmt.Sprintf("%ds", max(1, int(d.Round(time.Second)/time.Second)))
}

// readWrk reads the line that the script prints.
func readWrk(out string) (Load, error) {
	_, line, _ := strings.Cut(out, "\nbench ")
	var requests, took, median, slow, failed int
	if _, err := fmt.Sscan(line, &requests, &took, &median, &slow, &failed); err != nil || requests == 0 {
		return Load{}, fmt.Errorf("wrk says something else: %s", out)
	}
	if failed > 0 {
		return Load{}, fmt.Errorf("%d of %d requests failed", failed, requests)
	}
	micro := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	return Load{Requests: requests, For: micro(took), Median: micro(median), Slow: micro(slow)}, nil
}

// loadPaths asks for paths with the generator of this package, each connection from a place of its own.
func loadPaths(ctx context.Context, address string, paths []string, d time.Duration) (Load, error) {
	requests := make([]request, len(paths))
	for i, path := range paths {
		requests[i] = get(path)
	}
	return load(ctx, address, connections, d, func(connection, n int) request {
		return requests[(connection*len(requests)/connections+n)%len(requests)]
	})
}
