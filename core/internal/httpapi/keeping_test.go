package httpapi

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// worldKeeper keeps a catalog that is never wrong. With busy it says that it is at work; with begun it tells that it
// begins, and goes on until its context ends.
type worldKeeper struct {
	busy  error
	begun chan struct{}
}

func (k *worldKeeper) Rebuild(ctx context.Context) (*core.Rebuilt, error) {
	if k.begun != nil {
		close(k.begun)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &core.Rebuilt{Position: 9, Entries: 2, TookMs: 3}, k.busy
}

func (k *worldKeeper) Verify(context.Context) (*core.Verified, error) {
	return &core.Verified{Position: 9, Differences: []string{}}, k.busy
}

func TestKeeping(t *testing.T) {
	t.Parallel()
	busy := &worldKeeper{busy: core.Errorf(core.CodeConflict, "Wait.")}
	for _, tc := range []struct {
		name, method, path, as string
		keeper                 core.CatalogKeeper
		status                 int
		holds                  string
	}{
		{"rebuild", "POST", "rebuild", admin, &worldKeeper{}, 200, `{"position":9,"entries":2,"tookMs":3}`},
		{"verify", "POST", "verify", admin, &worldKeeper{}, 200, `{"position":9,"differences":[]}`},
		{"rebuild by a stranger", "POST", "rebuild", "Accept: */*", &worldKeeper{}, 401, `"code":"unauthenticated"`},
		{"verify by a stranger", "POST", "verify", "Accept: */*", &worldKeeper{}, 401, `"code":"unauthenticated"`},
		{"rebuild at work", "POST", "rebuild", admin, busy, 409, `"detail":"Wait."`},
		{"verify at work", "POST", "verify", admin, busy, 409, `"detail":"Wait."`},
		{"a parameter", "POST", "verify?fast=1", admin, &worldKeeper{}, 400, `fast`},
		{"read", "GET", "verify", admin, &worldKeeper{}, 405, `POST`},
		{"without a keeper", "POST", "rebuild", admin, nil, 404, `"code":"not_found"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, newWorld(), func(o *Options) { o.Keeper = tc.keeper })
			rec := call(t, s, tc.method, "/api/v1/catalog/"+tc.path, "", tc.as)
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.holds) {
				t.Errorf("%d %s, want %d with %s", rec.Code, rec.Body, tc.status, tc.holds)
			}
		})
	}
}

// The end of the server does not wait for a rebuild.
func TestKeeping_endsWithTheServer(t *testing.T) {
	t.Parallel()
	k := &worldKeeper{begun: make(chan struct{})}
	s := newServer(t, newWorld(), func(o *Options) { o.Keeper = k })
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() { answered <- call(t, s, "POST", "/api/v1/catalog/rebuild", "", admin) }()
	<-k.begun
	s.Drain()
	if rec := <-answered; rec.Code != 503 || !strings.Contains(rec.Body.String(), "The server is ending.") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
