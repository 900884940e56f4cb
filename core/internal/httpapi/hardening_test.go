package httpapi

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHeaders_Pages(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.PublicURL = "https://cms.example.org" })
	want := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy": "strict-origin", "Content-Security-Policy": pagePolicy, "Strict-Transport-Security": "max-age=31536000", "Permissions-Policy": "camera=(), geolocation=(), microphone=()"}
	for _, path := range []string{"/", "/browse/fiche", "/browse/fiche/mulhouse", "/browse/absent", "/none"} {
		h := from(t, s, "192.0.2.1:1", "GET", path, "Accept: text/html").Header()
		for name, v := range want {
			if got := h.Get(name); got != v {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	for _, unsafe := range []string{"unsafe-inline", "unsafe-eval", "*", "data:", "http:"} {
		if strings.Contains(pagePolicy, unsafe) {
			t.Errorf("the pages' policy has %s", unsafe)
		}
	}
}

func TestHeaders_RefusalsAndRedirects(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{"https://cms.example.org": "max-age=31536000", "http://cms.example.org": "", "": ""} {
		s := newServer(t, newWorld(), func(o *Options) { o.PublicURL = public })
		for path, status := range map[string]int{"/api/v1/content/fiche/absent": 404, "/api/v1/content/fiche?x=1": 400, "/api/v1/content/fiche/old-mulhouse": 301} {
			rec := from(t, s, "192.0.2.1:1", "GET", path)
			h := rec.Header()
			if rec.Code != status || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") != want {
				t.Errorf("%q %s: %d %v", public, path, rec.Code, h)
			}
		}
	}
}

// A kept answer has eight headers, Date among them: a ninth costs a tenth of the time of all of them.
func TestHeaders_KeptAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t, newWorld(), func(o *Options) { o.PublicURL = "https://cms.example.org" })
	var names []string
	for range 2 {
		names = nil
		for name := range from(t, s, "192.0.2.1:1", "GET", fiche).Header() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	want := []string{"Access-Control-Allow-Origin", "Cache-Control", "Cache-Tag", "Content-Length", "Content-Type", "Etag", "Vary", "X-Content-Type-Options"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}

// slow sends a request whose body does not come, and gives the answer's first line.
func slow(t *testing.T, addr, head string) (status string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\nHost: x\r\nContent-Type: application/json\r\n\r\n{", head)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("%s: %v", head, err)
	}
	res.Body.Close()
	_, err = in.ReadByte()
	for err == nil {
		_, err = in.ReadByte()
	}
	ne, timeout := err.(net.Error)
	return res.Status, !(timeout && ne.Timeout())
}

func TestBody_Slow(t *testing.T) {
	t.Parallel()
	addr, _ := running(t, newServer(t, newWorld(), func(o *Options) { o.BodyGrace = 30 * time.Millisecond }))
	bearer := "\r\nAuthorization: Bearer " + token
	for head, want := range map[string]string{
		"POST /api/v1/content/fiche HTTP/1.1\r\nContent-Length: 100" + bearer: "408",
		"POST /api/v1/content/fiche/query HTTP/1.1\r\nContent-Length: 100":    "408",
		"POST /api/v1/none HTTP/1.1\r\nContent-Length: 100":                   "404", // nobody reads the body, and nobody waits for it
		"GET " + fiche + " HTTP/1.1\r\nContent-Length: 100":                   "200",
		"GET /healthz HTTP/1.1\r\nContent-Length: 100":                        "200",
	} {
		status, closed := slow(t, addr, head)
		if !strings.HasPrefix(status, want) || !closed {
			t.Errorf("%q: got %q, closed %v", head, status, closed)
		}
	}
}

// What comes in time is not cut, and the connection goes on for longer than the body had.
func TestBody_InTime(t *testing.T) {
	t.Parallel()
	w := newWorld()
	release := w.stall()
	addr, _ := running(t, newServer(t, w, func(o *Options) { o.BodyGrace = 30 * time.Millisecond }))
	done := make(chan string, 1)
	go func() {
		res, err := http.Post("http://"+addr+"/api/v1/content/fiche/query", "application/json", strings.NewReader("{}"))
		if err != nil {
			done <- err.Error()
			return
		}
		res.Body.Close()
		done <- res.Status
	}()
	<-w.begun
	timer := time.NewTimer(60 * time.Millisecond) // longer than the body had
	<-timer.C
	close(release)
	if got := <-done; got != "200 OK" {
		t.Errorf("got %s", got)
	}
}
