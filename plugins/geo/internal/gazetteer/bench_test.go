package gazetteer

import (
	"runtime"
	"testing"
)

// BenchmarkLoad unpacks the shipped files, and tells how much memory stays in use, with what the first search and the first
// question about places prepare.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	before := inUse()
	var g *Gazetteer
	for b.Loop() {
		var err error
		if g, err = build(territoriesFile, outlinesFile); err != nil {
			b.Fatal(err)
		}
	}
	g.columns()
	g.offshore()
	b.ReportMetric(float64(inUse()-before)/1e6, "MB-kept")
	runtime.KeepAlive(g)
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkPrepare makes what the first search and the first question about places need.
func BenchmarkPrepare(b *testing.B) {
	g, err := build(territoriesFile, outlinesFile)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			g.newColumns()
		}
	})
	b.Run("places", func(b *testing.B) {
		for b.Loop() {
			g.findOffshore()
		}
	})
}

// BenchmarkSearch measures the queries that a picker sends, from the first letter to a misspelt name.
func BenchmarkSearch(b *testing.B) {
	g, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []string{"s", "mulh", "saint-denis", "la r", "68", "68100", "angers 49", "mulouse", "nothing like it"} {
		b.Run(q, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Search(q, SearchOptions{})
			}
		})
	}
}

func BenchmarkDistance(b *testing.B) {
	g, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	for _, r := range []Ref{{Commune, "68224"}, {EPCI, "200066009"}, {Departement, "68"}, {Region, "44"}} {
		b.Run(string(r.Level), func(b *testing.B) {
			g.Distance(r.Level, r.Code, 2.35, 48.85) // finds the islands, once
			for b.Loop() {
				g.Distance(r.Level, r.Code, 2.35, 48.85)
			}
		})
	}
}
