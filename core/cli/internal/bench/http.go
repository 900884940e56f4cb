package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func (b *bench) serve(ctx context.Context, cacheBytes string) (*server, error) {
	args := []string{"serve", "--data", b.Data, "--schemas", filepath.Join(b.Set, "types"), "--log-level", "warn", "--cache-bytes", cacheBytes}
	return startServer(ctx, listPath, args, []string{"PALABRE_ADMIN_TOKEN=" + token})
}

// cached compares answers that are kept with a handler that only writes them, turn by turn, so that what else the
// machine does weighs on both alike.
func (b *bench) cached(ctx context.Context) error {
	s, err := b.serve(ctx, "64MiB")
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	b.add(Figure{Name: "start to the first answer", Measured: s.Started.Seconds(), Unit: "s", Target: b.allowed(1)})
	b.add(Figure{Name: "anonymous memory, after the start", Measured: megabytes(s.anonymous()), Unit: "MB", Target: b.memoryTarget()})
	bare, done, err := b.startBare(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	for _, kept := range []struct{ name, path string }{{"list", listPath}, {"entry", entryPath + b.ids[0]}} {
		if err := b.compare(ctx, s, bare, kept.name, kept.path); err != nil {
			return err
		}
	}
	b.add(Figure{Name: "anonymous memory, after that", Measured: megabytes(s.anonymous()), Unit: "MB", Target: b.memoryTarget()})
	return nil
}

// memoryTarget is 0, none, beyond 100,000 entries.
func (b *bench) memoryTarget() float64 {
	switch {
	case b.Entries <= small:
		return 150
	case b.Entries <= large:
		return 400
	}
	return 0
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// startBare starts a handler with the bytes that the server answers.
func (b *bench) startBare(ctx context.Context, s *server) (bare *server, done func(), err error) {
	dir, err := os.MkdirTemp(b.Data, "bare-*")
	if err != nil {
		return nil, nil, err
	}
	for name, path := range map[string]string{"list": listPath, "entry": entryPath + b.ids[0]} {
		if err := s.save(path, filepath.Join(dir, name)); err != nil {
			return nil, nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	bare, err = startServer(ctx, "/list", []string{"bench", "--bare", dir}, nil)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return bare, func() { _, _ = bare.stop(), os.RemoveAll(dir) }, nil
}

// compare asks both in turn; what it gives are medians.
func (b *bench) compare(ctx context.Context, s, bare *server, name, path string) error {
	const rounds = 5
	var ours, theirs, shares []float64
	for range rounds {
		two, err := b.asker.ask(ctx, bare.address, []string{"/" + name}, b.For)
		if err != nil {
			return err
		}
		one, err := b.asker.ask(ctx, s.address, []string{path}, b.For)
		if err != nil {
			return err
		}
		ours, theirs = append(ours, one.PerSecond()), append(theirs, two.PerSecond())
		shares = append(shares, 100*one.PerSecond()/two.PerSecond())
	}
	for _, list := range [][]float64{ours, theirs, shares} {
		slices.Sort(list)
	}
	b.bare = theirs[rounds/2]
	b.add(Figure{Name: "kept " + name, Measured: ours[rounds/2], Unit: "/s", Note: fmt.Sprintf("a bare handler: %.0f /s", b.bare)})
	b.add(Figure{Name: "kept " + name + ", share of a bare handler", Measured: shares[rounds/2], Unit: "%", Target: 85, Least: true,
		Note: fmt.Sprintf("%.1f to %.1f in %d rounds", shares[0], shares[rounds-1], rounds)})
	return nil
}

// uncached asks questions that differ, of a server that keeps no answers.
func (b *bench) uncached(ctx context.Context) error {
	s, err := b.serve(ctx, "0")
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	for _, by := range b.keys() {
		if err := b.column(ctx, s, by.name, func(r *rand.Rand) string { return "/" + by.keys[r.IntN(len(by.keys))] }); err != nil {
			return err
		}
	}
	for _, q := range questions() {
		if err := b.column(ctx, s, q.name, func(r *rand.Rand) string { return "?" + q.params(r).Encode() }); err != nil {
			return err
		}
	}
	b.add(Figure{Name: "anonymous memory, after that", Measured: megabytes(s.anonymous()), Unit: "MB", Target: b.memoryTarget()})
	return nil
}

// column measures one kind of request and sets it beside the best of others.
func (b *bench) column(ctx context.Context, s *server, name string, path func(*rand.Rand) string) error {
	const different = 5000
	r := rand.New(rand.NewPCG(seed, 2))
	paths := make([]string, different)
	for i := range paths {
		paths[i] = "/api/v1/content/" + typ + path(r)
	}
	if err := s.visit(paths[0]); err != nil { // who asks first waits for an order to be made
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := b.asker.ask(ctx, s.address, paths, time.Second); err != nil { // to warm up
		return fmt.Errorf("%s: %w", name, err)
	}
	l, err := b.asker.ask(ctx, s.address, paths, b.For)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f := Figure{Name: "not kept: " + name, Measured: l.PerSecond(), Unit: "/s", Note: l.times()}
	b.add(f.against(name, b.Entries, b.bare))
	return nil
}

// writes creates entries one by one.
func (b *bench) writes(ctx context.Context) error {
	s, err := b.serve(ctx, "64MiB")
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	for _, clients := range []int{1, 8} {
		next := func(connection, n int) request {
			body := fmt.Sprintf(`{"title":"Essai d’écriture","slug":"essai-%d-%d-%d","region":"44","score":%d}`, clients, connection, n, n%100)
			return post("/api/v1/content/"+typ, token, []byte(body))
		}
		l, err := load(ctx, s.address, clients, b.For, next)
		if err != nil {
			return err
		}
		f := Figure{Name: fmt.Sprintf("creates, %d clients", clients), Measured: l.PerSecond(), Unit: "/s", Least: true, Note: l.times()}
		if clients == 8 {
			f.Target = 500
		}
		b.add(f)
	}
	b.add(Figure{Name: "anonymous memory, after the writes", Measured: megabytes(s.anonymous()), Unit: "MB", Target: b.memoryTarget()})
	return nil
}
