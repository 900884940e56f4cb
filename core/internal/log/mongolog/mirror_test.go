package mongolog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var day = time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)

// mirrored is a log and the program that reads its mirror.
type mirrored struct {
	*mongolog.Log
	t  *testing.T
	db *mongo.Database
}

func openMirror(t *testing.T) *mirrored {
	t.Helper()
	uri, database, _ := ferrettest.Start(t)
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(t.Context()) })
	return &mirrored{open(t, uri, database), t, client.Database(database)}
}

func (m *mirrored) mirror(commits ...core.Commit) {
	m.t.Helper()
	if err := m.Mirror(m.t.Context(), commits); err != nil {
		m.t.Fatal(err)
	}
}

// get reads an entry as another program would; nil when it is not there.
func (m *mirrored) get(collection, id string) bson.M {
	m.t.Helper()
	var doc bson.M
	err := m.db.Collection(collection).FindOne(m.t.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&doc)
	if err == mongo.ErrNoDocuments {
		return nil
	}
	if err != nil {
		m.t.Fatal(err)
	}
	return doc
}

func commit(p core.Position, changes ...core.Change) core.Commit {
	return core.Commit{Position: p, ID: fmt.Sprint(p), At: day, Changes: changes}
}

func put(id string, rev int64, draft, published string) core.Change {
	c := core.Change{Type: "fiche", Entry: core.EntryID(id), Op: core.OpPut, Meta: core.Meta{Rev: rev, Status: core.StatusDraft, CreatedAt: day, UpdatedAt: day}}
	if draft != "" {
		c.Draft = core.Doc(draft)
	}
	if published != "" {
		c.Published = core.Doc(published)
	}
	return c
}

func TestMirror_Document(t *testing.T) {
	t.Parallel()
	m := openMirror(t)
	c := put("a", 3, "null", `{"title":"Été","date":"2026-03-29T02:00:00Z","n":[1,2.5,true,null],"deep":{"b":1,"a":2}}`)
	c.Meta = core.Meta{Rev: 3, Status: core.StatusPublished, CreatedAt: day, CreatedBy: "user:1", UpdatedAt: day, UpdatedBy: "user:2", PublishedAt: &day,
		Live: &core.Live{Rev: 3, At: day}, Slugs: []string{"old"}, Schedule: []core.Scheduled{{Transition: "unpublish", To: "draft", Effect: core.EffectUnpublish, At: day, By: "user:1"}}}
	m.mirror(commit(7, c))
	at := bson.NewDateTimeFromTime(day)
	want := bson.M{
		"_id": "a", "position": int64(7), "rev": int64(3), "status": "published",
		"createdAt": at, "createdBy": "user:1", "updatedAt": at, "updatedBy": "user:2", "publishedAt": at, "trashedAt": nil,
		"live": bson.D{{Key: "rev", Value: int64(3)}, {Key: "at", Value: at}}, "slugs": bson.A{"old"},
		"schedule": bson.A{bson.D{{Key: "transition", Value: "unpublish"}, {Key: "to", Value: "draft"}, {Key: "effect", Value: "unpublish"}, {Key: "at", Value: at}, {Key: "by", Value: "user:1"}}},
		"draft":    nil,
		"published": bson.D{{Key: "title", Value: "Été"}, {Key: "date", Value: "2026-03-29T02:00:00Z"}, {Key: "n", Value: bson.A{int64(1), 2.5, true, nil}},
			{Key: "deep", Value: bson.D{{Key: "b", Value: int64(1)}, {Key: "a", Value: int64(2)}}}},
	}
	if diff := cmp.Diff(want, m.get("content_fiche", "a")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMirror_Folds(t *testing.T) {
	t.Parallel()
	first := commit(1, put("a", 1, `{"n":1}`, ""), put("b", 1, `{"n":1}`, ""))
	publish := commit(2, put("a", 2, "null", `{"n":1}`))
	draftBeside := commit(3, put("a", 3, `{"n":2}`, ""))
	purge := commit(4, core.Change{Type: "fiche", Entry: "b", Op: core.OpPurge, Meta: core.Meta{Rev: 1}})
	again := commit(5, put("b", 1, "", `{"n":9}`))
	redact := commit(6, core.Change{Type: "fiche", Entry: "a", Op: core.OpRedact, Meta: core.Meta{Rev: 3}}, core.Change{Type: "_token", Entry: "t", Op: core.OpPut, Draft: core.Doc(`{}`)})
	all := []core.Commit{first, publish, draftBeside, purge, again, redact}
	n := func(v int64) bson.D { return bson.D{{Key: "n", Value: v}} }
	check := func(name string, m *mirrored) {
		a, b := m.get("content_fiche", "a"), m.get("content_fiche", "b")
		if a == nil || b == nil {
			t.Errorf("%s: got %v and %v, want both entries", name, a, b)
			return
		}
		for what, pair := range map[string][2]any{
			"a's position": {a["position"], int64(3)}, "a's draft": {a["draft"], n(2)}, "a's published": {a["published"], n(1)},
			"b's position": {b["position"], int64(5)}, "b's draft": {b["draft"], nil}, "b's published": {b["published"], n(9)},
		} {
			if !cmp.Equal(pair[0], pair[1]) {
				t.Errorf("%s: %s: got %v, want %v", name, what, pair[0], pair[1])
			}
		}
		if got := m.get("content__token", "t"); got != nil {
			t.Errorf("%s: an entry of the system was mirrored: %v", name, got)
		}
	}
	m := openMirror(t)
	m.mirror(all...)
	check("in one call", m)
	m.mirror(all...)
	check("twice", m)
	m.mirror(first)
	m.mirror(publish, draftBeside)
	check("a part again", m)

	two := openMirror(t)
	two.mirror(first, publish, draftBeside)
	two.mirror(purge, again, redact)
	check("purged and made again in one call", two)

	one := openMirror(t)
	for _, c := range all {
		one.mirror(c)
	}
	check("one by one", one)
	for _, c := range all {
		one.mirror(c)
	}
	check("one by one, twice", one)
}

func TestMirror_Purge(t *testing.T) {
	t.Parallel()
	m := openMirror(t)
	purge := commit(2, core.Change{Type: "fiche", Entry: "a", Op: core.OpPurge, Meta: core.Meta{Rev: 1}})
	m.mirror(commit(1, put("a", 1, `{}`, "")))
	m.mirror(purge)
	if got := m.get("content_fiche", "a"); got != nil {
		t.Errorf("got %v, want it gone", got)
	}
	m.mirror(commit(3, put("a", 1, `{}`, "")))
	m.mirror(purge)
	if got := m.get("content_fiche", "a"); got == nil {
		t.Error("an old purge took a newer entry away")
	}
}

func TestMirror_HostileKeys(t *testing.T) {
	t.Parallel()
	m := openMirror(t)
	doc := `{"$where":"sleep(1)","a.b":{"$set":{"x.y":1}},"":0,"_id":1,"nul\u0000":2,"twice":1,"twice":2,"$":3,"__proto__":{}}`
	m.mirror(commit(1, put("$a.b", 1, doc, "")))
	want := bson.D{{Key: "＄where", Value: "sleep(1)"}, {Key: "a．b", Value: bson.D{{Key: "＄set", Value: bson.D{{Key: "x．y", Value: int64(1)}}}}},
		{Key: "", Value: int64(0)}, {Key: "_id", Value: int64(1)}, {Key: "nul␀", Value: int64(2)}, {Key: "twice", Value: int64(2)}, {Key: "＄", Value: int64(3)}, {Key: "__proto__", Value: bson.D{}}}
	got, _ := m.get("content_fiche", "$a.b")["draft"].(bson.D)
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" { // FerretDB moves _id to the front
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func sorted(d bson.D) map[string]any {
	m := map[string]any{}
	for _, e := range d {
		m[e.Key] = e.Value
	}
	return m
}

func TestMirror_ManyEntries(t *testing.T) {
	t.Parallel()
	m := openMirror(t)
	var changes []core.Change
	for i := range 120 {
		changes = append(changes, put(fmt.Sprint("e", i), 1, `{"n":1}`, ""))
	}
	m.mirror(commit(1, changes...))
	if n, err := m.db.Collection("content_fiche").CountDocuments(t.Context(), bson.D{}); n != 120 || err != nil {
		t.Errorf("got %d, %v, want 120", n, err)
	}
}

// TestMirror_Erasure has somebody erased, with both documents and the former slugs: nothing of him is left in the mirror. What
// records that the past was rewritten changes nothing there.
func TestMirror_Erasure(t *testing.T) {
	t.Parallel()
	m := openMirror(t)
	was := put("a", 2, `{"name":"Camille Exemple"}`, `{"name":"C. Exemple","slug":"c-exemple"}`)
	was.Meta.Slugs, was.Meta.Live, was.Comment = []string{"camille-exemple"}, &core.Live{Rev: 2, At: day}, "Camille Exemple"
	gone := put("b", 1, `{"name":"Dominique Exemple"}`, "")
	m.mirror(commit(1, was, gone))
	if got := fmt.Sprint(m.get("content_fiche", "a"), m.get("content_fiche", "b")); !strings.Contains(got, "Exemple") {
		t.Fatalf("the mirror holds nobody: %s", got)
	}
	erased := put("a", 3, `{"name":"—"}`, `{"name":"—","slug":"a"}`)
	erased.Action, erased.Meta.Live = core.ActionErase, &core.Live{Rev: 3, At: day}
	purged := core.Change{Type: "fiche", Entry: "b", Op: core.OpPurge, Action: core.ActionPurge, Meta: gone.Meta}
	m.mirror(commit(2, erased, purged), commit(3, core.Change{Type: "fiche", Entry: "a", Op: core.OpRedact, Action: core.ActionRedact, Meta: erased.Meta}))
	got := m.get("content_fiche", "a")
	if text := strings.ToLower(fmt.Sprint(got)); strings.Contains(text, "exemple") || got["rev"] != int64(3) || m.get("content_fiche", "b") != nil {
		t.Errorf("got %s", text)
	}
}
