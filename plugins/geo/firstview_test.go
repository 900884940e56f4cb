package geo_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// network is a way to the server: how long a packet takes there and back, and how many bits fit through in a second.
type network struct {
	name       string
	roundTrip  time.Duration
	bitsPerSec float64
}

// networks are those that browsers' tools call so, and the machine's own.
var networks = []network{{"local", 0, 0}, {"fast4g", 60 * time.Millisecond, 9e6}, {"slow4g", 150 * time.Millisecond, 1.6e6}}

// BenchmarkFirstView measures when a reader sees the map page with many entries, in Chromium with a processor four times as slow,
// over networks of the kinds that phones have. It needs what the tests in a browser need.
func BenchmarkFirstView(b *testing.B) {
	h := crowded(b)
	server := httptest.NewServer(h.Handler())
	b.Cleanup(server.Close)
	for _, n := range networks {
		address := n.to(b, server.Listener.Addr().String())
		for size, viewport := range map[string][]string{"phone": {"WIDTH=390", "HEIGHT=844"}, "desk": {"WIDTH=1280", "HEIGHT=800"}} {
			b.Run(n.name+"/"+size, func(b *testing.B) {
				for b.Loop() {
					viewed(b, "http://"+address+"/map", viewport)
				}
			})
		}
	}
}

func viewed(b *testing.B, address string, env []string) {
	b.Helper()
	chromium, err := exec.LookPath(cmp.Or(os.Getenv("PALABRE_TEST_CHROMIUM"), "chromium"))
	if err != nil {
		b.Skip(err)
	}
	cmd := exec.CommandContext(b.Context(), "node", "web/bench.mjs", address, "5")
	cmd.Env, cmd.Stderr = append(os.Environ(), append(env, "CHROMIUM="+chromium)...), b.Output()
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var seen map[string][]map[string]any
	if err := json.Unmarshal(out, &seen); err != nil {
		b.Fatal(err)
	}
	for visit, runs := range seen {
		for _, what := range []string{"paint", "picture", "map", "idle", "requests", "bytes"} {
			var values []float64
			for _, run := range runs {
				v, _ := run[what].(float64)
				values = append(values, v)
			}
			slices.Sort(values)
			b.ReportMetric(values[len(values)/2], visit+"-"+what)
		}
	}
}

// to gives an address that leads to another one through the network.
func (n network) to(b *testing.B, server string) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	down, up := &line{network: n}, &line{network: n}
	go func() {
		for {
			browser, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = browser.Close()
				continue
			}
			go up.carry(far, browser, n.roundTrip) // the first packet waits until the connection is made
			go down.carry(browser, far, 0)
		}
	}()
	return l.Addr().String()
}

// line is one direction of the network, which all connections share.
type line struct {
	network
	mu   sync.Mutex
	free time.Time // when what was sent is through
}

// through gives when bytes that are sent now arrive.
func (l *line) through(bytes int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	if l.bitsPerSec > 0 {
		l.free = l.free.Add(time.Duration(float64(bytes) * 8 / l.bitsPerSec * float64(time.Second)))
	}
	return l.free.Add(l.roundTrip / 2)
}

// carry takes bytes from one connection to another, late as the line has it.
func (l *line) carry(to, from net.Conn, first time.Duration) {
	type packet struct {
		bytes []byte
		at    time.Time
	}
	under := make(chan packet, 1<<10)
	go func() {
		defer close(under)
		opened := time.Now().Add(first)
		for {
			buffer := make([]byte, 1460)
			n, err := from.Read(buffer)
			if n > 0 {
				at := l.through(n)
				if early := opened.Add(l.roundTrip / 2); at.Before(early) {
					at = early
				}
				under <- packet{buffer[:n], at}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range under {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.bytes); err != nil {
			_ = from.Close()
			_, _ = io.Copy(io.Discard, from)
			break
		}
	}
	for range under { // what the other side still says
	}
	_ = to.Close()
}
