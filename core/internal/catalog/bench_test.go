package catalog

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// benchTypes are the content types of the set that the benchmarks measure with.
func benchTypes() *registry {
	text := func(path string, search float64) core.Field {
		return core.Field{Path: path, Kind: core.KindString, Indexed: true, Search: search}
	}
	facet := func(path string) core.Field {
		return core.Field{Path: path, Kind: core.KindString, Indexed: true, Facet: true}
	}
	number := func(path string) core.Field { return core.Field{Path: path, Kind: core.KindInteger, Indexed: true} }
	slug := core.Field{Path: "slug", Kind: core.KindString, Indexed: true, Unique: true}
	tags := facet("tags")
	tags.Multi = true
	note := core.Field{Path: "note", Kind: core.KindString, Indexed: true, Private: true, Search: 1}
	r := &registry{known: map[core.TypeName]*core.Type{}}
	r.set(core.NewType(core.Type{Name: "benchPartner", Hash: "1", SlugField: "slug", Public: true, Fields: []core.Field{
		text("name", 2), slug, facet("kind"), text("city", 0), text("url", 0), text("description", 1)}}))
	r.set(core.NewType(core.Type{Name: "benchFiche", Hash: "1", SlugField: "slug", GeoField: "location", Public: true, Fields: []core.Field{
		text("title", 4), slug, {Path: "commune", Kind: core.KindObject}, text("commune.code", 0), text("commune.nom", 2),
		facet("departement"), facet("region"), number("population"), {Path: "location", Kind: core.KindGeo}, facet("practice"), facet("tool"),
		number("year"), {Path: "publishedOn", Kind: core.KindTime, Indexed: true}, tags, text("summary", 2),
		{Path: "body", Kind: core.KindString, Search: 1}, number("score"), note,
		{Path: "partner", Kind: core.KindRef, Ref: &core.RefRule{Types: []core.TypeName{"benchPartner"}}}}}))
	return r
}

// benchCommits turns the set into n fiches and their partners, a hundred changes to a commit.
func benchCommits(b testing.TB, n int) []core.Commit {
	dir := os.Getenv("PALABRE_BENCH_DATA")
	if dir == "" {
		b.Skip("set PALABRE_BENCH_DATA to the folder with fiches-10k.jsonl.gz and partners.jsonl")
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(i int) time.Time { return now.Add(time.Duration(i) * time.Second) }
	var changes []core.Change
	add := func(name core.TypeName, doc map[string]any, published bool) core.EntryID {
		t := at(len(changes))
		e := &core.Entry{Type: name, ID: core.NewID(t), Meta: core.Meta{Rev: 1, Status: core.StatusDraft, CreatedAt: t, UpdatedAt: t, CreatedBy: "user:1", UpdatedBy: "user:1"}}
		e.Draft = jsondoc.Encode(doc)
		if published {
			e.Published, e.Draft, e.Status, e.PublishedAt, e.Live = e.Draft, nil, core.StatusPublished, &t, &core.Live{Rev: 1, At: t}
		}
		changes = append(changes, core.ChangeTo(nil, e, core.ActionCreate))
		return e.ID
	}
	partners := map[string]core.EntryID{}
	for _, doc := range readLines(b, filepath.Join(dir, "partners.jsonl")) {
		key := doc["key"].(string)
		delete(doc, "key")
		partners[key] = add("benchPartner", doc, true)
	}
	lines := readLines(b, filepath.Join(dir, "fiches-10k.jsonl.gz"))
	for i := range n {
		changesOf(lines[i%len(lines)], i, i/len(lines), partners, add)
	}
	return sealed(changes, at)
}

func changesOf(line map[string]any, i, copied int, partners map[string]core.EntryID, add func(core.TypeName, map[string]any, bool) core.EntryID) {
	doc := jsondoc.CloneObject(line)
	published := doc["status"] == "published"
	doc["location"] = map[string]any{"type": "Point", "coordinates": []any{doc["lon"], doc["lat"]}}
	doc["publishedOn"], doc["note"] = doc["published_at"], fmt.Sprintf("canary-%d", i)
	if key, ok := doc["partner"].(string); ok {
		doc["partner"] = map[string]any{"_ref": string(partners[key]), "_type": "benchPartner"}
	}
	for _, name := range []string{"key", "lat", "lon", "status", "published_at"} {
		delete(doc, name)
	}
	if copied > 0 {
		doc["slug"] = fmt.Sprintf("%s-%d", doc["slug"], copied)
		doc["title"] = fmt.Sprintf("%s %d", doc["title"], copied)
		doc["summary"] = fmt.Sprintf("%d %s", copied, doc["summary"])
	}
	add("benchFiche", doc, published)
}

func sealed(changes []core.Change, at func(int) time.Time) (commits []core.Commit) {
	previous := ""
	for chunk := range slices.Chunk(changes, 100) {
		c := core.Commit{Position: core.Position(len(commits) + 1), ID: string(core.NewID(at(0))), At: at(len(commits) * 100), By: "user:1", Changes: chunk}
		c.Seal(previous)
		previous = c.Sum
		commits = append(commits, c)
	}
	return commits
}

func readLines(b testing.TB, path string) (docs []map[string]any) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			b.Fatal(err)
		}
		lines = bufio.NewScanner(z)
	}
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		doc, err := jsondoc.ParseObject(append([]byte(nil), lines.Bytes()...))
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

// anonymous gives the anonymous resident memory in MB.
func anonymous() int {
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	return 0
}

// BenchmarkCatalog measures the set at PALABRE_BENCH_SIZE entries (by default 10,000), in PALABRE_BENCH_DIR when set,
// which is filled when it is empty and so spares the filling the next time.
func BenchmarkCatalog(b *testing.B) {
	size, _ := strconv.Atoi(os.Getenv("PALABRE_BENCH_SIZE"))
	if size == 0 {
		size = 10_000
	}
	dir := os.Getenv("PALABRE_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	fill(b, dir, size)
	runtime.GC()
	start := time.Now()
	c, err := Open(b.Context(), dir, benchTypes(), time.Now, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	loaded := time.Since(start)
	if _, err := c.Query(b.Context(), core.Query{Type: "benchFiche", State: core.StatePublished, Sort: sortBy("-publishedOn"), Limit: 20, Total: true}); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d entries: opened in %v, first answer after %v, %d MB anonymous", size, loaded, time.Since(start), anonymous())
	if os.Getenv("PALABRE_BENCH_TEXT") != "" {
		c.text.drain(b.Context())
	}
	benchQueries(b, c)
	runtime.GC()
	b.Logf("%d MB anonymous after everything", anonymous())
}

// BenchmarkOpen measures the start with what BenchmarkCatalog left in PALABRE_BENCH_DIR.
func BenchmarkOpen(b *testing.B) {
	dir := os.Getenv("PALABRE_BENCH_DIR")
	if dir == "" {
		b.Skip("set PALABRE_BENCH_DIR to a folder that BenchmarkCatalog has filled")
	}
	for range b.N {
		before := cpuTime()
		c, err := Open(b.Context(), dir, benchTypes(), time.Now, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime() - before).Milliseconds()), "cpu-ms-last")
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what the process has used, on all cores: on a busy machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fill(b *testing.B, dir string, size int) {
	c, err := Open(b.Context(), dir, benchTypes(), time.Now, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if c.Position() > 0 {
		return
	}
	commits := benchCommits(b, size)
	start := time.Now()
	for chunk := range slices.Chunk(commits, 5) {
		if err := c.Apply(b.Context(), chunk); err != nil {
			b.Fatal(err)
		}
	}
	applied := time.Since(start)
	if os.Getenv("PALABRE_BENCH_TEXT") != "" {
		c.text.drain(b.Context())
	}
	b.Logf("applied %d entries in %v, searchable after %v", size, applied, time.Since(start))
}

func sortBy(keys ...string) (sort []core.SortKey) {
	for _, k := range keys {
		name, desc := strings.CutPrefix(k, "-")
		sort = append(sort, core.SortKey{Path: core.Path{Field: name}, Desc: desc})
	}
	return sort
}

func compare(field string, op core.Operator, values ...any) core.Node {
	return core.Compare{Path: core.Path{Field: field}, Op: op, Values: values}
}

func benchQueries(b *testing.B, c *Catalog) {
	ctx := context.Background()
	var ids []core.EntryID
	var slugs []string
	c.look(func(m *memory) error {
		s := m.byName["benchFiche"]
		col, _ := s.column("slug", core.StatePublished, "")
		s.seen(core.StatePublished).each(func(slot uint32) {
			ids, slugs = append(ids, core.EntryID(m.ids.values[s.number(slot)])), append(slugs, col.text(slot))
		})
		return nil
	})
	b.Run("by id", func(b *testing.B) {
		for i := range b.N {
			if _, err := c.ByID(ctx, "benchFiche", ids[i*7919%len(ids)], core.StatePublished); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by id, cached", func(b *testing.B) {
		for i := range b.N {
			c.ByID(ctx, "benchFiche", ids[i%100], core.StatePublished)
		}
	})
	b.Run("by slug", func(b *testing.B) {
		for i := range b.N {
			if _, _, err := c.BySlug(ctx, "benchFiche", slugs[i*7919%len(ids)], core.StatePublished); err != nil {
				b.Fatal(err)
			}
		}
	})
	facets := []core.Path{{Field: "region"}, {Field: "practice"}, {Field: "tags"}}
	deep := deepCursor(b, c)
	near := &core.GeoFilter{Field: "location", Near: &core.Near{Lat: 48.85, Lon: 2.35, Metres: 50_000}}
	for _, tc := range []struct {
		name string
		q    core.Query
	}{
		{"20 newest", core.Query{Sort: sortBy("-publishedOn")}},
		{"region by population", core.Query{Where: compare("region", core.OpEq, "44"), Sort: sortBy("-population")}},
		{"score and year by title", core.Query{Where: core.And{compare("score", core.OpGte, int64(90)), compare("year", core.OpEq, int64(2021))}, Sort: sortBy("title")}},
		{"score and population by title", core.Query{Where: core.And{compare("score", core.OpGte, int64(50)), compare("population", core.OpGt, int64(100))}, Sort: sortBy("title")}},
		{"in, or, not by year and title", core.Query{Where: core.Or{compare("region", core.OpIn, "44", "53", "27", "11"), core.Not{Node: compare("practice", core.OpEq, "petition")}}, Sort: sortBy("year", "title")}},
		{"partner.kind by population", core.Query{Where: core.Compare{Path: core.Path{Via: []string{"partner"}, Field: "kind"}, Op: core.OpEq, Values: []any{"association"}}, Sort: sortBy("population")}},
		{"sorted through the partner", core.Query{Sort: []core.SortKey{{Path: core.Path{Via: []string{"partner"}, Field: "name"}}}}},
		{"title contains", core.Query{Where: compare("title", core.OpContains, "referendum"), Sort: sortBy("-population")}},
		{"title contains nothing", core.Query{Where: compare("title", core.OpContains, "zzyzx"), Sort: sortBy("-population")}},
		{"title between", core.Query{Where: compare("title", core.OpBetween, "b", "m"), Sort: sortBy("-population")}},
		{"three facets, all", core.Query{Sort: sortBy("-publishedOn"), Facets: facets, Limit: -1}},
		{"three facets, filtered", core.Query{Where: compare("population", core.OpGt, int64(100)), Sort: sortBy("-publishedOn"), Facets: facets, Limit: -1}},
		{"facet through the partner", core.Query{Sort: sortBy("-publishedOn"), Limit: -1, Where: compare("population", core.OpGt, int64(100)), Facets: []core.Path{{Via: []string{"partner"}, Field: "kind"}}}},
		{"deep page", core.Query{Sort: sortBy("-population"), After: deep}},
		{"box", core.Query{Geo: &core.GeoFilter{Field: "location", BBox: &core.BBox{West: 1, South: 47, East: 3, North: 49}}, Sort: sortBy("-population")}},
		{"near by distance", core.Query{Geo: near, Sort: sortBy("_distance")}},
		{"words", core.Query{Text: "budget participatif", Sort: sortBy("-_score")}},
	} {
		q := tc.q
		q.Type, q.State, q.Total = "benchFiche", core.StatePublished, true
		if q.Limit == 0 {
			q.Limit = 20
		}
		if q.Limit < 0 {
			q.Limit = 0
		}
		p, err := c.Query(ctx, q)
		if err != nil {
			b.Fatal(tc.name, err)
		}
		b.Run(fmt.Sprintf("%s (%d)", tc.name, p.Total), func(b *testing.B) {
			var times []time.Duration
			for range b.N {
				start := time.Now()
				if _, err := c.Query(ctx, q); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[0].Microseconds())/1000, "ms-least")
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-median")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "ms-99th")
		})
	}
}

// deepCursor gives the place in the middle of all entries by population.
func deepCursor(b *testing.B, c *Catalog) *core.Cursor {
	q := core.Query{Type: "benchFiche", State: core.StatePublished, Sort: sortBy("-population"), Limit: 1, Where: compare("population", core.OpLte, int64(500))}
	p, err := c.Query(context.Background(), q)
	if err != nil || p.Next == nil {
		b.Fatal("no page in the middle", err)
	}
	text, _ := json.Marshal(p.Next)
	var back core.Cursor
	json.Unmarshal(text, &back)
	return &back
}
