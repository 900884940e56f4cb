package text

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// benchDocs reads the fiches that PALABRE_BENCH_DATA names, as often as it takes to have PALABRE_BENCH_DOCS of them.
func benchDocs(b *testing.B) []Doc {
	b.Helper()
	path := os.Getenv("PALABRE_BENCH_DATA")
	if path == "" {
		b.Skip("set PALABRE_BENCH_DATA to a file of JSON lines with title, summary and body, gzipped")
	}
	want, _ := strconv.Atoi(os.Getenv("PALABRE_BENCH_DOCS"))
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		b.Fatal(err)
	}
	var docs []Doc
	lines := bufio.NewScanner(zipped)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Title, Summary, Body string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			b.Fatal(err)
		}
		docs = append(docs, Doc{Row: uint64(len(docs) + 1), Type: "fiche", Published: true, Locale: "fr", Fields: []FieldText{
			{Path: "title", Weight: 4, Text: line.Title}, {Path: "summary", Weight: 2, Text: line.Summary}, {Path: "body", Weight: 1, Text: line.Body}}})
	}
	for i := 0; len(docs) < want; i++ {
		d := docs[i]
		d.Row = uint64(len(docs) + 1)
		docs = append(docs, d)
	}
	return docs
}

func BenchmarkIndex(b *testing.B) {
	docs := benchDocs(b)
	for b.Loop() {
		x, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < len(docs); i += 2000 {
			if err := x.Apply(b.Context(), core.Position(i+1), docs[i:min(i+2000, len(docs))], nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(docs)*b.N)/b.Elapsed().Seconds(), "docs/s")
}

func BenchmarkSearch(b *testing.B) {
	docs := benchDocs(b)
	dir := b.TempDir()
	x, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	start := time.Now()
	if err := x.Apply(b.Context(), 1, docs, nil); err != nil {
		b.Fatal(err)
	}
	if err := x.flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d documents in %s, %d MB on disk, %d kB anonymous", len(docs), time.Since(start), sizeOf(dir)>>20, anonymous())
	for _, q := range []string{"budget participatif", "referendum local", "mulhouse", `"budget participatif"`, "budget partici", "budgte participatif"} {
		b.Run(q, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				m, err := x.Search(b.Context(), Query{Text: q, Looks: []Look{{Type: "fiche"}}})
				if err != nil {
					b.Fatal(err)
				}
				n = len(m)
			}
			b.ReportMetric(float64(n), "matches")
		})
	}
	b.Logf("%d kB anonymous", anonymous())
}

func sizeOf(dir string) (bytes int64) {
	for _, part := range []string{"published", "drafts"} {
		entries, _ := os.ReadDir(dir + "/" + part)
		for _, e := range entries {
			if info, err := e.Info(); err == nil {
				bytes += info.Size()
			}
		}
	}
	return bytes
}

// anonymous gives the process's RssAnon, 0 where /proc does not tell.
func anonymous() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int
	for _, line := range splitLines(string(status)) {
		if len(line) > 8 && line[:8] == "RssAnon:" {
			for _, c := range line {
				if c >= '0' && c <= '9' {
					kb = kb*10 + int(c-'0')
				}
			}
		}
	}
	return kb
}

func splitLines(s string) (lines []string) {
	start := 0
	for i := range s {
		if s[i] == '\n' {
			lines, start = append(lines, s[start:i]), i+1
		}
	}
	return lines
}

func BenchmarkApplyOne(b *testing.B) {
	docs := benchDocs(b)
	x, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	if err := x.Apply(b.Context(), 1, docs, nil); err != nil {
		b.Fatal(err)
	}
	at := core.Position(1)
	for b.Loop() {
		at++
		if err := x.Apply(b.Context(), at, docs[int(at)%len(docs):][:1], nil); err != nil {
			b.Fatal(err)
		}
	}
}
