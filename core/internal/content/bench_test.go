package content_test

import (
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

// BenchmarkWrite is single writes by eight clients, each durable on disk before it is acknowledged.
func BenchmarkWrite(b *testing.B) {
	n := startOn(b, openLogWith(b, sqlitelog.Options{}))
	text := strings.Repeat("x", 2_000)
	b.SetParallelism(4) // times two processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.write(admin, core.Operation{Op: core.OperationCreate, Type: "note", Data: map[string]any{"text": text}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
