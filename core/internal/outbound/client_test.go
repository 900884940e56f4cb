package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/outbound"
)

func client(t *testing.T, o outbound.Options) *outbound.Client {
	t.Helper()
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.HTTP().CloseIdleConnections)
	return c
}

// server listens on an address of the loopback network and gives its host:port.
func server(t *testing.T, ip string, h http.HandlerFunc) (s *httptest.Server, at string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s = &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	return s, l.Addr().String()
}

// unreachable holds that an error tells nothing but that the address is not reached.
func unreachable(t *testing.T, what string, err error) {
	t.Helper()
	e, ok := core.AsError(err)
	if !ok {
		t.Fatalf("%s: got %v, want the one error", what, err)
	}
	if e.Code != core.CodeUnavailable || e.Reason != "outbound" || e.Message != "The address cannot be reached." || e.Texts["fr"] != "L’adresse ne peut pas être atteinte." || len(e.Extra) > 0 {
		t.Errorf("%s: got %#v", what, e)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: the error tells of the time", what)
	}
}

func fetch(c *outbound.Client, url string) (string, error) {
	res, err := c.HTTP().Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}

func TestFetch_Allowed(t *testing.T) {
	t.Parallel()
	_, at := server(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.UserAgent()+" "+r.Header.Get("Cookie"))
	})
	c := client(t, outbound.Options{Allow: []string{at}, Version: "1.2"})
	if got, err := fetch(c, "http://"+at+"/"); err != nil || got != "Palabre/1.2 " {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFetch_Redirects(t *testing.T) {
	t.Parallel()
	var touched atomic.Bool
	_, inside := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { touched.Store(true) })
	var count atomic.Int64
	_, outside := server(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		to := r.URL.Query().Get("to")
		if left := strings.TrimPrefix(r.URL.Path, "/left/"); left != r.URL.Path {
			to = "/left/" + left[1:]
			if left == "!" {
				io.WriteString(w, "there")
				return
			}
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	})
	c := client(t, outbound.Options{Allow: []string{outside}})
	base := "http://" + outside
	for _, to := range []string{"http://" + inside + "/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "gopher://127.0.0.1:70/", "ftp://" + inside + "/",
		"http://[::ffff:127.0.0.1]:80/", "http://0x7f000001/", "//2130706433/", "http://%zz/", "http://localhost:1/"} {
		_, err := fetch(c, base+"/?to="+strings.ReplaceAll(to, "%", "%25"))
		unreachable(t, to, err)
	}
	if touched.Load() {
		t.Error("a redirect led inside")
	}
	if got, err := fetch(c, base+"/left/xxxxx!"); err != nil || got != "there" {
		t.Errorf("five redirects: got %q, %v", got, err)
	}
	count.Store(0)
	_, err := fetch(c, base+"/left/xxxxxx!")
	unreachable(t, "six redirects", err)
	if got := count.Load(); got != 6 {
		t.Errorf("got %d requests, want 6", got)
	}
}

func TestFetch_Bodies(t *testing.T) {
	t.Parallel()
	_, at := server(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		n := 1000
		if r.URL.Path == "/larger" {
			n = 1001
		}
		if r.URL.Path == "/bomb" {
			n = 50e6
		}
		if r.URL.Query().Has("gzip") {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			z.Write(make([]byte, n))
			z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
			return
		}
		w.Write(make([]byte, n))
	})
	c := client(t, outbound.Options{Allow: []string{at}, MaxBytes: 1000})
	for _, tc := range []struct {
		path string
		ok   bool
	}{{"/fits", true}, {"/fits?gzip", true}, {"/larger", false}, {"/larger?gzip", false}, {"/bomb?gzip", false}} {
		got, err := fetch(c, "http://"+at+tc.path)
		if len(got) != 1000 {
			t.Errorf("%s: got %d bytes", tc.path, len(got))
		}
		if tc.ok && err != nil {
			t.Errorf("%s: %v", tc.path, err)
		}
		if !tc.ok {
			unreachable(t, tc.path, err)
		}
	}
}

// A caller who asks for an encoding himself would be given a body that nobody counted.
func TestFetch_EncodingIsOurs(t *testing.T) {
	t.Parallel()
	_, at := server(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Accept-Encoding")) })
	c := client(t, outbound.Options{Allow: []string{at}})
	req, _ := http.NewRequest("GET", "http://"+at, nil)
	req.Header.Set("Accept-Encoding", "br")
	res, err := c.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "gzip" {
		t.Errorf("asked for %q", b)
	}
}

func TestFetch_Slow(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	_, at := server(t, "127.0.0.1", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/body":
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
		case "/hop":
			w.Header().Set("Location", "/silent")
			w.WriteHeader(http.StatusFound)
			return
		}
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(over) })
	for _, path := range []string{"/silent", "/body", "/hop"} {
		c := client(t, outbound.Options{Allow: []string{at}, Timeout: 30 * time.Millisecond})
		_, err := fetch(c, "http://"+at+path)
		unreachable(t, path, err)
	}
}

func TestFetch_TheCallerLeaves(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.DialContext(ctx, "tcp", "192.0.2.1:443")
	unreachable(t, "left", err)
	if !errors.Is(err, context.Canceled) {
		t.Error("that the caller has left is not told")
	}
}

// Every cause ends in the same words, and stands in the log.
func TestUnreachable_OneError(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := closed.Addr().String()
	closed.Close()
	var log bytes.Buffer
	c := client(t, outbound.Options{Allow: []string{at}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	texts := map[string]bool{}
	for _, url := range []string{"http://" + at, "http://127.0.0.1/", "http://10.0.0.1/", "mailto:camille@example.org", "http://192.0.2.1:22/", "http:///x"} {
		_, err := fetch(c, url)
		unreachable(t, url, err)
		e, _ := core.AsError(err)
		texts[e.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("causes can be told apart: %v", texts)
	}
	for _, cause := range []string{"connection refused", "127.0.0.1 is not allowed: loopback", "private", "only http and https", "port 22"} {
		if !strings.Contains(log.String(), cause) {
			t.Errorf("the log does not say %q:\n%s", cause, log.String())
		}
	}
}

func TestFetch_NoProxyOfTheEnvironment(t *testing.T) {
	var asked atomic.Bool
	_, proxy := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	t.Setenv("HTTP_PROXY", "http://"+proxy)
	t.Setenv("http_proxy", "http://"+proxy)
	c := client(t, outbound.Options{Allow: []string{proxy}})
	_, err := fetch(c, "http://192.0.2.1/")
	unreachable(t, "proxy", err)
	if asked.Load() {
		t.Error("a proxy of the environment was asked")
	}
}

// resolver answers every question for an IPv4 address with the next of a list; the last one stays.
func resolver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go answerNames(conn, answers)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func answerNames(conn net.PacketConn, answers []string) {
	packet := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(packet)
		if err != nil {
			return
		}
		end := 12 + bytes.IndexByte(packet[12:n], 0) + 5
		answer := bytes.Clone(packet[:end])
		isA := answer[end-3] == 1
		copy(answer[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
		if isA {
			answer[7] = 1
			answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			answer = append(answer, netip.MustParseAddr(answers[0]).AsSlice()...)
			if len(answers) > 1 {
				answers = answers[1:]
			}
		}
		_, _ = conn.WriteTo(answer, from)
	}
}

// A name that is fit when it is first looked up and unfit afterwards is judged each time by the address that is dialled.
func TestDial_Rebinding(t *testing.T) {
	t.Parallel()
	var inside atomic.Int64
	_, at := server(t, "127.0.0.2", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "fit")
	})
	_, port, _ := net.SplitHostPort(at)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Skipf("the port is taken on the other address: %v", err)
	}
	other := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) })}}
	other.Start()
	t.Cleanup(other.Close)
	c := client(t, outbound.Options{Allow: []string{at}, Resolver: resolver(t, "127.0.0.2", "127.0.0.1")})
	if got, err := fetch(c, "http://site.example:"+port+"/"); err != nil || got != "fit" {
		t.Fatalf("the first time: got %q, %v", got, err)
	}
	_, err = fetch(c, "http://site.example:"+port+"/")
	unreachable(t, "the second time", err)
	if inside.Load() != 0 {
		t.Error("the name led inside")
	}
}
