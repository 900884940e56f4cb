package bench

import (
	"context"
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
	sampled
	asker asker
	bare  float64 // what a bare handler gives in a second, of an entry
}

// Run measures everything and gives the table.
func Run(ctx context.Context, o Options) ([]Figure, error) {
	b := &bench{Options: o}
	dir, err := os.MkdirTemp("", "palabre-bench-asker-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if b.asker, err = newAsker(dir); err != nil {
		return nil, err
	}
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
	limit  float64 // milliseconds inside the process, up to 100,000 entries
	params func(r *rand.Rand) url.Values
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// The columns of the comparison with others.
const (
	byID      = "by id"
	bySlug    = "by slug"
	plainList = "list of 20, 4 fields, total"
	byRegion  = "region, by population, 20 whole"
	contains  = "title contains"
	allText   = "all text, ranked"
	whole     = "20 whole with partner"
	anyFilter = "score and year, by title"
)

// questions are those columns that are lists, and what else has a target.
func questions() []question {
	one := func(list []string, r *rand.Rand) string { return list[r.IntN(len(list))] }
	region := func(r *rand.Rand) string { _, region, _ := strings.Cut(one(departements, r), " "); return region }
	return []question{
		{plainList, 2, func(r *rand.Rand) url.Values {
			return values("fields", "title,slug,region,population", "filter[score][gte]", strconv.Itoa(r.IntN(100)))
		}},
		{byRegion, 2, func(r *rand.Rand) url.Values {
			return values("filter[region]", region(r), "filter[score][gte]", strconv.Itoa(r.IntN(20)), "sort", "-population")
		}},
		{contains, 2, func(r *rand.Rand) url.Values {
			return values("filter[title][contains]", one(placeStart, r)+one(placeEnd, r))
		}},
		{allText, 20, func(r *rand.Rand) url.Values {
			return values("q", one(practiceTitles, r)+" "+one(placeTail[3:], r)[1:])
		}},
		{whole, 2, func(r *rand.Rand) url.Values {
			return values("include", "partner", "filter[year]", strconv.Itoa(2010+r.IntN(17)), "filter[score][gte]", strconv.Itoa(r.IntN(50)))
		}},
		{anyFilter, 2, func(r *rand.Rand) url.Values {
			return values("filter[score][gte]", strconv.Itoa(50+r.IntN(50)), "filter[year]", strconv.Itoa(2010+r.IntN(17)), "sort", "title")
		}},
		{"never asked before, by slug", 2, func(r *rand.Rand) url.Values {
			return values("filter[population][gte]", strconv.Itoa(r.IntN(100_000)), "filter[publishedOn][lt]", aDay(r), "sort", "-slug")
		}},
		{"three facets", 2, func(r *rand.Rand) url.Values {
			return values("limit", "1", "fields", "title", "facets", "region,practice,tags", "filter[score][gte]", strconv.Itoa(r.IntN(100)))
		}},
		{"through the partner, by population", 2, func(r *rand.Rand) url.Values {
			return values("filter[partner.kind]", one(partnerKinds, r), "filter[score][gte]", strconv.Itoa(r.IntN(50)), "sort", "-population")
		}},
	}
}

// aDay is one of five thousand.
func aDay(r *rand.Rand) string {
	return time.Date(2012, 1, 1+r.IntN(5000), 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
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
		for _, by := range b.keys() {
			ask := func() (*core.Pending, error) {
				return a.Reader().One(ctx, core.Anonymous, typ, by.keys[r.IntN(len(by.keys))], nil)
			}
			if err := b.median(ctx, "inside: "+by.name, 0.2, ask); err != nil {
				return err
			}
		}
		if err := b.cursors(ctx, a, r); err != nil {
			return err
		}
		return b.rights(ctx, a)
	})
}

// cursors sets pages far behind the first one beside it.
func (b *bench) cursors(ctx context.Context, a *app.App, r *rand.Rand) error {
	list := func(after string) (*core.Pending, error) {
		v := values("fields", "title", "limit", "20")
		if after != "" {
			v.Set("after", after)
		}
		return a.Reader().List(ctx, core.Anonymous, typ, v)
	}
	if err := b.median(ctx, "inside: the first page", 2, func() (*core.Pending, error) { return list("") }); err != nil {
		return err
	}
	first := b.figures[len(b.figures)-1].Measured
	deep := func() (*core.Pending, error) { return list(b.deep[r.IntN(len(b.deep))]) }
	if err := b.median(ctx, "inside: pages near the end, by their cursor", 2, deep); err != nil {
		return err
	}
	f := &b.figures[len(b.figures)-1]
	f.Note += fmt.Sprintf("; %.2f times the first", f.Measured/first)
	return nil
}

// untilSearchable waits until a search does not wait itself: the full-text index follows an import at its own pace.
func (b *bench) untilSearchable(ctx context.Context, a *app.App) error {
	const prompt = 500 * time.Millisecond
	begun := time.Now()
	for time.Since(begun) < time.Hour {
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
	b.add(Figure{Name: name + ", median", Measured: milliseconds(times[len(times)/2]), Unit: "ms", Target: b.allowed(limit),
		Note: fmt.Sprintf("99th %.2f ms", milliseconds(times[len(times)*99/100]))})
	return nil
}

// allowed is ten times a limit where there are far more than 100,000 entries.
func (b *bench) allowed(limit float64) float64 {
	if b.Entries > 2*large {
		return 10 * limit
	}
	return limit
}
