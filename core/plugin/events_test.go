package plugin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// recorder keeps the first event of each name, as JSON.
type recorder struct {
	mu   sync.Mutex
	seen map[string][]byte
}

func (r *recorder) note(name string, e any) error {
	text, err := json.MarshalIndent(shape(reflect.ValueOf(e)), "", "  ")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[name] == nil && err == nil {
		r.seen[name] = append(changing.ReplaceAll(text, []byte(`01…`)), '\n')
	}
	return err
}

func (r *recorder) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen[name] != nil
}

// changing is what is another at each run: identifiers.
var changing = regexp.MustCompile(`01[0-9a-z]{24}`)

func (r *recorder) plugin() fake {
	return fake{plugin.Manifest{ID: "dev.acme.record", Version: "1.0.0"}, func(reg *plugin.Registry) error {
		var failures []error
		for _, name := range plugin.EntryPointNames() {
			point, _ := plugin.EntryPointNamed(name)
			failures = append(failures, plugin.Before(reg, point, func(_ context.Context, e *core.EntryEvent) error { return r.note(name, e) }, plugin.OnTypes("article")))
		}
		return errors.Join(append(failures,
			plugin.After(reg, func(_ context.Context, _ plugin.Host, c plugin.Committed) error { return r.note("after", c) }, plugin.OnTypes("article")),
			plugin.OnRead(reg, func(_ context.Context, e *core.ReadEvent) error { return r.note("entry.read", e) }, plugin.OnTypes("article")),
			plugin.OnQuery(reg, func(_ context.Context, e *core.QueryEvent) error { return r.note("query.plan", e) }, plugin.OnTypes("article")),
			plugin.OnSchema(reg, func(_ context.Context, e *core.SchemaEvent) error { return r.note("schema.change", e) }, plugin.OnTypes("memo")))...)
	}}
}

// shape makes a value of Go printable: every exported field, under its name. Of a type and a caller only what tells them.
func shape(v reflect.Value) any {
	if !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface || v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
		return nil
	}
	switch x := v.Interface().(type) {
	case *core.Type:
		return "type " + string(x.Name)
	case *core.Principal:
		return map[string]any{"Kind": x.Kind, "Roles": x.Roles}
	case core.Position:
		return "a position"
	case core.Doc:
		return json.RawMessage(x)
	case time.Time:
		return x.UTC().Format(time.RFC3339)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return shape(v.Elem())
	case reflect.Struct:
		return fields(v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = shape(v.Index(i))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for _, key := range v.MapKeys() {
			m[fmt.Sprint(key)] = shape(v.MapIndex(key))
		}
		return m
	}
	return v.Interface()
}

func fields(v reflect.Value) any {
	m := map[string]any{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Type.Kind() != reflect.Func {
			m[f.Name] = shape(v.Field(i))
		}
	}
	return m
}

const articles = `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Article","type":"object","unevaluatedProperties":false,
"x-type":{"name":"article","public":true,"titleField":"title","slug":false,"workflow":"review"},"properties":{"title":{"type":"string"}}}`

// events performs one write of each kind.
func events(h *plugintest.Host) {
	const path = "/api/v1/content/article/"
	id := h.Create("article", plugintest.Doc{"title": "One"}).OK().ID
	h.Update("article", id, plugintest.Doc{"title": "Two"}).OK()
	h.Move("article", id, "submit").OK()
	h.Move("article", id, "publish").OK()
	h.Get("/api/v1/content/article?filter[title]=Two&limit=1").OK()
	h.Do("administrator", "POST", path+string(id)+"/transitions/unpublish", plugintest.Doc{"at": "2031-01-01T00:00:00Z"}).OK()
	h.Move("article", id, "unpublish").OK()
	h.Do("administrator", "DELETE", path+string(id), nil).OK()
	h.Move("article", id, "restore").OK()
	h.Do("administrator", "DELETE", path+string(id), nil).OK()
	h.Do("administrator", "DELETE", path+string(id)+"?purge=true", nil).OK()
	h.Do("administrator", "PUT", "/api/v1/types/memo", plugintest.Doc{"schema": json.RawMessage(strings.ReplaceAll(articles, `"article"`, `"memo"`))}).OK()
}

// The events are a contract: a change of what a plugin gets is a change of these files, which docs/plugins.md points to. Write
// them anew with PALABRE_TEST_GOLDEN=write.
func TestEvents(t *testing.T) {
	t.Parallel()
	r := &recorder{seen: map[string][]byte{}}
	h := plugintest.New(t, r.plugin(), plugintest.Types(articles))
	events(h)
	h.Eventually("the follower was told", func() bool { return r.has("after") })
	want := append(plugin.EntryPointNames(), "after", "entry.read", "query.plan", "schema.change")
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(r.seen)); !slices.Equal(got, want) {
		t.Errorf("seen %v, want %v", got, want)
	}
	for name, got := range r.seen {
		file := filepath.Join("testdata", name+".golden.json")
		if os.Getenv("PALABRE_TEST_GOLDEN") == "write" {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is now\n%s\n(%v)", file, got, err)
		}
	}
}
