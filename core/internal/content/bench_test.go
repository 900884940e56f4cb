package content_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

// BenchmarkWrite is single writes by eight clients, each durable on disk before it is acknowledged: titles of which
// every tenth is taken, a unique code, a reference by slug. They come from somewhere, as requests do.
func BenchmarkWrite(b *testing.B) {
	n := startOn(b, openLogWith(b, sqlitelog.Options{}))
	n.create("partner", `{"name": "Ville"}`)
	ctx := core.WithOrigin(b.Context(), &core.Origin{Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Request: "r-1"})
	var serial atomic.Int64
	b.SetParallelism(4) // times two processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.Write(ctx, admin, []core.Operation{benchCreate(serial.Add(1))}, core.WriteOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkWrite_import is the same in parts of 500.
func BenchmarkWrite_import(b *testing.B) {
	n := startOn(b, openLogWith(b, sqlitelog.Options{}))
	n.create("partner", `{"name": "Ville"}`)
	b.ResetTimer()
	for at := 0; at < b.N; at += 500 {
		var ops []core.Operation
		for i := range 500 {
			ops = append(ops, benchCreate(int64(at+i)))
		}
		if _, err := n.Write(context.Background(), admin, ops, core.WriteOptions{Partial: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func benchCreate(serial int64) core.Operation {
	return core.Operation{Op: core.OperationCreate, Type: "fiche", Publish: true, Data: map[string]any{
		"title": fmt.Sprintf("Budget participatif %d", serial-serial%10/9*9), "code": fmt.Sprint("c", serial),
		"partner": map[string]any{"_slug": "ville", "_type": "partner"}, "address": map[string]any{"city": strings.Repeat("x", 1_000)}}}
}
