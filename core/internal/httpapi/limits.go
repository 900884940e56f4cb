package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/palabre-cms/palabre/core"
)

const (
	// maxBuckets bounds the memory of a limiter: at most twice as many addresses are remembered.
	maxBuckets = 20_000
)

// limit bounds how often one address may try to sign in, and ask anonymously for what the cache does not have. A caller
// who did not prove who he is counts as anonymous.
func (s *Server) limit(q *request, r *http.Request) error {
	if operational(r.URL.Path) || s.authLimit == nil && s.anonymousLimit == nil {
		return nil
	}
	from, _ := netip.ParseAddr(s.clientAddress(r))
	if signsIn(q, r) {
		if err := s.authLimit.allow(from, time.Now()); err != nil {
			return err
		}
	}
	// A proxy on this machine that is not trusted is no client, but all of them.
	if q.who.Anonymous() && !from.IsLoopback() {
		return s.anonymousLimit.allow(from, time.Now())
	}
	return nil
}

// signsIn reports whether a request has to do with passwords and sessions. Only to look, as a page does when it opens, is
// free for who is signed in.
func signsIn(q *request, r *http.Request) bool {
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	return (strings.HasPrefix(r.URL.Path, authPath+"/") || r.URL.Path == resetPath) && !(looks && !q.who.Anonymous())
}

// limiter is a token bucket for each address. Its memory is bounded: it forgets the addresses that it has not seen for
// longest, and those come back with a full bucket. A nil limiter allows everything.
type limiter struct {
	every rate.Limit
	burst int

	mu       sync.Mutex
	now, old map[netip.Addr]*rate.Limiter // the present generation and the one before
}

// newLimiter allows n requests per period; nil for 0.
func newLimiter(n int, period time.Duration) *limiter {
	if n <= 0 {
		return nil
	}
	return &limiter{every: rate.Every(period / time.Duration(n)), burst: n, now: map[netip.Addr]*rate.Limiter{}}
}

func (l *limiter) allow(from netip.Addr, at time.Time) error {
	if l == nil {
		return nil
	}
	taken := l.bucket(bucketOf(from)).ReserveN(at, 1)
	wait := taken.DelayFrom(at)
	if wait <= 0 {
		return nil
	}
	taken.CancelAt(at)
	return tooMany(wait)
}

func (l *limiter) bucket(key netip.Addr) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.now[key]; ok {
		return b
	}
	b, ok := l.old[key]
	if !ok {
		b = rate.NewLimiter(l.every, l.burst)
	}
	if len(l.now) >= maxBuckets {
		l.old, l.now = l.now, map[netip.Addr]*rate.Limiter{}
	}
	l.now[key] = b
	return b
}

// bucketOf counts a network of IPv6 that one customer is given as one address.
func bucketOf(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return ip
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip
	}
	return network.Addr()
}

func tooMany(wait time.Duration) error {
	return retryAfter(core.Refuse(core.CodeRateLimited, "", "Too many requests from your address. Wait a moment.",
		"Trop de requêtes depuis votre adresse. Patientez un instant."), wait+time.Second-1)
}
