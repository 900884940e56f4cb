//go:build unix

package httpapi

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// benchBody is as long as a list of 20 with four fields.
func benchWorld() *world {
	w := newWorld()
	w.entries[ficheID].Published = core.Doc(`{"slug":"mulhouse","title":"` + strings.Repeat("participation ", 190) + `"}`)
	return w
}

// bare is the limit.
func bare(body []byte) http.Handler { return Bare(map[string][]byte{contentPath: body}) }

func serveBench(tb testing.TB, h http.Handler) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

// BenchmarkCachedVersusBare sets a cached page beside the limit, over loopback connections.
func BenchmarkCachedVersusBare(b *testing.B) {
	w := benchWorld()
	s := newServer(b, w, func(o *Options) { o.CacheBytes = DefaultCacheBytes })
	body := call(b, s, "GET", "/api/v1/content/fiche", "").Body.Bytes()
	for _, bc := range []struct {
		name string
		h    http.Handler
	}{{"bare", bare(body)}, {"cached", s.Handler()}} {
		b.Run(bc.name, func(b *testing.B) {
			addr := serveBench(b, bc.h)
			b.SetParallelism(8)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) { hammer(b, pb, addr) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

// hammer asks again and again on one connection, with as little client as there can be.
func hammer(b *testing.B, pb *testing.PB, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Error(err)
		return
	}
	defer conn.Close()
	ask := []byte("GET /api/v1/content/fiche HTTP/1.1\r\nHost: x\r\n\r\n")
	in := bufio.NewReaderSize(conn, 64<<10)
	for pb.Next() {
		if _, err := conn.Write(ask); err != nil {
			b.Error(err)
			return
		}
		if err := swallow(in); err != nil {
			b.Error(err)
			return
		}
	}
}

func swallow(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if v, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if len(line) <= 2 {
			_, err := in.Discard(length)
			return err
		}
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { clear(d.h); return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkHit is the handler's share of a hit.
func BenchmarkHit(b *testing.B) {
	s := newServer(b, benchWorld())
	call(b, s, "GET", "/api/v1/content/fiche", "")
	r, _ := http.NewRequest("GET", "/api/v1/content/fiche", nil)
	r.RequestURI = "/api/v1/content/fiche"
	h := s.Handler()
	w := &discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

var (
	perSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	inTotal   = regexp.MustCompile(`(\d+) requests in`)
)

// TestAgainstWrk measures the share of the limit with wrk, medians of interleaved rounds:
//
//	PALABRE_BENCH=1 go test -run TestAgainstWrk -v ./core/internal/httpapi
func TestAgainstWrk(t *testing.T) {
	if os.Getenv("PALABRE_BENCH") == "" {
		t.Skip("a measurement, not a check: set PALABRE_BENCH=1, and have wrk installed")
	}
	w := benchWorld()
	s := newServer(t, w, func(o *Options) { o.CacheBytes = DefaultCacheBytes })
	body := call(t, s, "GET", "/api/v1/content/fiche", "").Body.Bytes()
	contenders := map[string]string{"bare": serveBench(t, bare(body)), "cached": serveReal(t, s)}
	uncached := newServer(t, w, func(o *Options) { o.CacheBytes = 0 })
	contenders["uncached"] = serveReal(t, uncached)
	figures, costs := map[string][]float64{}, map[string][]float64{}
	for range 7 {
		for _, name := range []string{"bare", "cached", "uncached"} {
			before := cpuTime()
			rate, requests := wrk(t, "http://"+contenders[name]+"/api/v1/content/fiche")
			figures[name] = append(figures[name], rate)
			costs[name] = append(costs[name], float64((cpuTime()-before).Nanoseconds())/requests/1000)
		}
	}
	limit, cost := median(figures["bare"]), median(costs["bare"])
	for _, name := range []string{"bare", "cached", "uncached"} {
		t.Logf("%-8s %7.0f req/s, %3.0f %% of the limit; %5.1f µs of processor per request with the client's, %3.0f %%; %d bytes", name,
			median(figures[name]), 100*median(figures[name])/limit, median(costs[name]), 100*cost/median(costs[name]), len(body))
	}
}

// wrk asks for a second, and gives the rate and how many requests that were.
func wrk(t *testing.T, url string) (rate, requests float64) {
	t.Helper()
	out, err := exec.Command("wrk", "-t2", "-c16", "-d1s", url).CombinedOutput()
	perSecond, total := perSecond.FindSubmatch(out), inTotal.FindSubmatch(out)
	if err != nil || perSecond == nil || total == nil {
		t.Fatalf("%v: %s", err, out)
	}
	rate, _ = strconv.ParseFloat(string(perSecond[1]), 64)
	requests, _ = strconv.ParseFloat(string(total[1]), 64)
	return rate, requests
}

// cpuTime is the processor time of this process and of the clients that it started: other work on the machine does not
// move it as it moves the clock.
func cpuTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

func serveReal(t *testing.T, s *Server) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-done })
	return l.Addr().String()
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// fixed answers with the same bytes at no cost, so that what is measured is the way through this package.
type fixed struct {
	*world
	answer core.Answer
}

func (f fixed) One(context.Context, *core.Principal, core.TypeName, string, url.Values) (*core.Pending, error) {
	return &core.Pending{Key: "one", Types: []core.TypeName{"fiche"}, Answer: func(context.Context) (*core.Answer, error) { return &f.answer, nil }}, nil
}

// BenchmarkMiss is the handler's share of an answer that is computed.
func BenchmarkMiss(b *testing.B) {
	w := benchWorld()
	e := w.entries[ficheID]
	f := fixed{w, core.Answer{Body: w.render(e, e.Published), Rev: 7, Tags: []string{"fiche", "fiche/" + ficheID}}}
	s := newServer(b, w, func(o *Options) { o.Reader, o.CacheBytes = f, 0 })
	r, _ := http.NewRequest("GET", fiche, nil)
	r.RequestURI = fiche
	h := s.Handler()
	d := &discard{h: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(d, r)
	}
}
