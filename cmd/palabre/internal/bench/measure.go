package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
)

// Options say what is measured.
type Options struct {
	Set     string // a directory with types/ and *.jsonl; made up when it is not there
	Data    string // a directory for the store, made anew
	Entries int    // in a set that is made up
	For     time.Duration
	// Tell is told what is being done; nil tells nobody.
	Tell func(what string)
}

const (
	connections = 16
	typ         = "benchFiche"
	entryPath   = "/api/v1/content/" + typ + "/"
	listPath    = "/api/v1/content/" + typ + "?fields=title,slug,region,population"
	token       = "pal_bench-bench-bench-bench-bench-bench-bench"
)

// bench is one run.
type bench struct {
	Options
	figures []Figure
	ids     []string
	slugs   []string
}

// Run measures everything and gives the table.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	b := &bench{Options: o}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"making content up", b.makeSet},
		{"importing", b.load},
		{"asking inside the process", b.inside},
		{"asking the server, answers kept", b.cached},
		{"asking the server, nothing kept", b.uncached},
		{"writing", b.writes},
	} {
		if b.Tell != nil {
			b.Tell(step.what)
		}
		if err := step.do(ctx); err != nil {
			return b.figures, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return b.figures, nil
}

func (b *bench) add(f Figure) { b.figures = append(b.figures, f) }

func (b *bench) makeSet(context.Context) error {
	if _, err := os.Stat(filepath.Join(b.Set, "types")); err == nil {
		return nil
	}
	return WriteSet(b.Set, b.Entries)
}

func (b *bench) config() *config.Config {
	c := config.Default()
	c.Data, c.Schemas = b.Data, filepath.Join(b.Set, "types")
	c.Admin.Token = token
	return c
}

// inApp runs f on the store, opened in this process.
func (b *bench) inApp(ctx context.Context, f func(*app.App) error) error {
	a, err := app.New(b.config(), app.Options{})
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Close())
	}
	return errors.Join(f(a), a.Close())
}

func (b *bench) load(ctx context.Context) error {
	if err := os.RemoveAll(b.Data); err != nil {
		return err
	}
	return b.inApp(ctx, func(a *app.App) error {
		begun, lines := time.Now(), 0
		files, err := filepath.Glob(filepath.Join(b.Set, "*.jsonl"))
		if err != nil {
			return err
		}
		for _, file := range files {
			n, err := importFile(ctx, a, file)
			if err != nil {
				return err
			}
			lines += n
		}
		took := time.Since(begun)
		b.add(Figure{Name: fmt.Sprintf("import of %d entries, durable", lines), Measured: took.Seconds(), Unit: "s", Target: importTarget(lines)})
		return nil
	})
}

// importTarget is 10 s for 10,000 entries and 120 s for 100,000; in proportion in between and beyond.
func importTarget(lines int) float64 {
	if lines <= 11_000 {
		return 10 * float64(max(lines, 1000)) / 10_000
	}
	return 120 * float64(lines) / 100_000
}

func importFile(ctx context.Context, a *app.App, file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	report, err := a.Import(ctx, f, app.ImportOptions{})
	if err != nil {
		return 0, err
	}
	if report.Failed > 0 {
		return 0, fmt.Errorf("%s: %d lines were refused: %v", file, report.Failed, report.Kinds)
	}
	return report.Lines, nil
}

// question is one kind of request, with parameters that differ from time to time.
type question struct {
	name   string
	limit  float64 // milliseconds inside the process at 100,000 entries
	params func(r *rand.Rand) url.Values
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// questions are the columns of the comparison with others.
func questions() []question {
	one := func(list []string, r *rand.Rand) string { return list[r.IntN(len(list))] }
	region := func(r *rand.Rand) string { _, region, _ := strings.Cut(one(departements, r), " "); return region }
	return []question{
		{"list of 20, 4 fields, total", 2, func(r *rand.Rand) url.Values {
			return values("fields", "title,slug,region,population", "filter[score][gte]", strconv.Itoa(r.IntN(100)))
		}},
		{"region, by population, 20 whole", 2, func(r *rand.Rand) url.Values {
			return values("filter[region]", region(r), "filter[score][gte]", strconv.Itoa(r.IntN(20)), "sort", "-population")
		}},
		{"title contains", 2, func(r *rand.Rand) url.Values {
			return values("filter[title][contains]", one(placeStart, r)+one(placeEnd, r))
		}},
		{"all text, ranked", 20, func(r *rand.Rand) url.Values {
			return values("q", one(practiceTitles, r)+" "+one(placeTail[3:], r)[1:])
		}},
		{"20 whole with partner", 2, func(r *rand.Rand) url.Values {
			return values("include", "partner", "filter[year]", strconv.Itoa(2010+r.IntN(17)), "filter[score][gte]", strconv.Itoa(r.IntN(50)))
		}},
		{"score and year, by title", 2, func(r *rand.Rand) url.Values {
			return values("filter[score][gte]", strconv.Itoa(50+r.IntN(50)), "filter[year]", strconv.Itoa(2010+r.IntN(17)), "sort", "title")
		}},
		{"three facets", 2, func(r *rand.Rand) url.Values {
			return values("limit", "1", "fields", "title", "facets", "region,practice,tags", "filter[score][gte]", strconv.Itoa(r.IntN(100)))
		}},
		{"through the partner, by population", 2, func(r *rand.Rand) url.Values {
			return values("filter[partner.kind]", one(partnerKinds, r), "filter[score][gte]", strconv.Itoa(r.IntN(50)), "sort", "-population")
		}},
	}
}

// inside measures medians of whole answers without HTTP and without the cache of answers.
func (b *bench) inside(ctx context.Context) error {
	return b.inApp(ctx, func(a *app.App) error {
		if err := b.sample(ctx, a); err != nil {
			return err
		}
		if err := b.untilSearchable(ctx, a); err != nil {
			return err
		}
		r := rand.New(rand.NewPCG(seed, 1))
		for _, q := range questions() {
			ask := func() (*core.Pending, error) { return a.Reader().List(ctx, core.Anonymous, typ, q.params(r)) }
			if err := b.median(ctx, "inside: "+q.name, q.limit, ask); err != nil {
				return err
			}
		}
		for name, keys := range map[string][]string{"inside: by id": b.ids, "inside: by slug": b.slugs} {
			ask := func() (*core.Pending, error) {
				return a.Reader().One(ctx, core.Anonymous, typ, keys[r.IntN(len(keys))], nil)
			}
			if err := b.median(ctx, name, 0.2, ask); err != nil {
				return err
			}
		}
		return nil
	})
}

// keyed is a way to ask for single entries.
type keyed struct {
	name string
	keys []string
}

func (b *bench) keys() []keyed { return []keyed{{"by id", b.ids}, {"by slug", b.slugs}} }

// sample notes some identifiers and slugs to ask for.
func (b *bench) sample(ctx context.Context, a *app.App) error {
	p, err := a.Reader().List(ctx, core.Anonymous, typ, values("limit", "200", "fields", "slug", "sort", "-population"))
	if err != nil {
		return err
	}
	answer, err := p.Answer(ctx)
	if err != nil {
		return err
	}
	var page struct {
		Data []struct {
			ID   string `json:"_id"`
			Slug string `json:"slug"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer.Body, &page); err != nil {
		return err
	}
	for _, e := range page.Data {
		b.ids, b.slugs = append(b.ids, e.ID), append(b.slugs, e.Slug)
	}
	if len(b.ids) == 0 {
		return errors.New("there are no published entries of " + typ)
	}
	return nil
}

// untilSearchable waits until a search does not wait itself: the full-text index follows an import at its own pace.
func (b *bench) untilSearchable(ctx context.Context, a *app.App) error {
	const prompt = 500 * time.Millisecond
	begun := time.Now()
	for time.Since(begun) < 10*time.Minute {
		asked := time.Now()
		p, err := a.Reader().List(ctx, core.Anonymous, typ, values("q", practiceTitles[0], "limit", "1"))
		if err != nil {
			return err
		}
		if _, err := p.Answer(ctx); err != nil {
			return err
		}
		if time.Since(asked) < prompt {
			b.add(Figure{Name: "all text searchable, after the import", Measured: time.Since(begun).Seconds(), Unit: "s"})
			return nil
		}
	}
	return errors.New("the full-text index does not come to an end")
}

// median asks for about a second, after some rounds to warm up.
func (b *bench) median(ctx context.Context, name string, limit float64, ask func() (*core.Pending, error)) error {
	const warm, least = 10, 50
	var times []time.Duration
	for until := time.Now().Add(time.Second); len(times) < warm+least || time.Now().Before(until); {
		begun := time.Now()
		p, err := ask()
		if err != nil {
			return err
		}
		if _, err := p.Answer(ctx); err != nil {
			return err
		}
		times = append(times, time.Since(begun))
	}
	times = times[warm:]
	slices.Sort(times)
	b.add(Figure{Name: name + ", median", Measured: milliseconds(times[len(times)/2]), Unit: "ms", Target: limit,
		Note: fmt.Sprintf("99th %.2f ms", milliseconds(times[len(times)*99/100]))})
	return nil
}

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
	b.add(Figure{Name: "start to the first answer", Measured: s.Started.Seconds(), Unit: "s", Target: 1})
	bare, done, err := b.bare(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	for _, kept := range []struct{ name, path string }{{"list", listPath}, {"entry", entryPath + b.ids[0]}} {
		if err := b.compare(ctx, s, bare, kept.name, kept.path); err != nil {
			return err
		}
	}
	b.add(Figure{Name: "anonymous memory, after that", Measured: float64(s.anonymous()) / 1e6, Unit: "MB", Target: b.memoryTarget()})
	return nil
}

func (b *bench) memoryTarget() float64 {
	if b.Entries > 11_000 {
		return 400
	}
	return 150
}

// bare starts a handler with the bytes that the server answers.
func (b *bench) bare(ctx context.Context, s *server) (bare *server, done func(), err error) {
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

func (b *bench) compare(ctx context.Context, s, bare *server, name, path string) error {
	const rounds = 3
	var ours, theirs, shares []float64
	for range rounds {
		one, err := load(ctx, s.address, connections, b.For, func(int, int) request { return get(path) })
		if err != nil {
			return err
		}
		two, err := load(ctx, bare.address, connections, b.For, func(int, int) request { return get("/" + name) })
		if err != nil {
			return err
		}
		ours, theirs = append(ours, one.PerSecond()), append(theirs, two.PerSecond())
		shares = append(shares, 100*one.PerSecond()/two.PerSecond())
	}
	for _, list := range [][]float64{ours, theirs, shares} {
		slices.Sort(list)
	}
	b.add(Figure{Name: "kept " + name, Measured: ours[rounds/2], Unit: "/s", Note: fmt.Sprintf("a bare handler: %.0f /s", theirs[rounds/2])})
	b.add(Figure{Name: "kept " + name + ", share of a bare handler", Measured: shares[rounds/2], Unit: "%", Target: 85, Least: true})
	return nil
}

func (b *bench) rate(ctx context.Context, s *server, next func(connection, n int) request) (Load, error) {
	if _, err := load(ctx, s.address, connections, b.For/5, next); err != nil {
		return Load{}, err
	}
	return load(ctx, s.address, connections, b.For, next)
}

// uncached asks questions that differ, of a server that keeps no answers.
func (b *bench) uncached(ctx context.Context) error {
	s, err := b.serve(ctx, "0")
	if err != nil {
		return err
	}
	defer func() { _ = s.stop() }()
	for _, by := range b.keys() {
		if err := b.column(ctx, s, by.name, 31_000, func(r *rand.Rand) string { return "/" + by.keys[r.IntN(len(by.keys))] }); err != nil {
			return err
		}
	}
	for _, q := range questions() {
		if err := b.column(ctx, s, q.name, 0, func(r *rand.Rand) string { return "?" + q.params(r).Encode() }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) column(ctx context.Context, s *server, name string, target float64, path func(*rand.Rand) string) error {
	var randoms [connections]*rand.Rand
	for i := range randoms {
		randoms[i] = rand.New(rand.NewPCG(seed, uint64(i)))
	}
	l, err := b.rate(ctx, s, func(connection, _ int) request { return get("/api/v1/content/" + typ + path(randoms[connection])) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.add(Figure{Name: "not kept: " + name, Measured: l.PerSecond(), Unit: "/s", Target: target, Least: true,
		Note: fmt.Sprintf("median %.2f ms, 99th %.2f ms", milliseconds(l.Median), milliseconds(l.Slow))})
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
		f := Figure{Name: fmt.Sprintf("creates, %d clients", clients), Measured: l.PerSecond(), Unit: "/s", Least: true,
			Note: fmt.Sprintf("median %.2f ms, 99th %.2f ms", milliseconds(l.Median), milliseconds(l.Slow))}
		if clients == 8 {
			f.Target = 500
		}
		b.add(f)
	}
	b.add(Figure{Name: "anonymous memory, after the writes", Measured: float64(s.anonymous()) / 1e6, Unit: "MB", Target: b.memoryTarget()})
	return nil
}
