package read_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func TestList_Page(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.publish("fiche", fmt.Sprint(i), fmt.Sprintf(`{"title":"T%d","region":"44","note":"canary"}`, i))
	}
	w.draft("fiche", "9", `{"title":"D"}`)
	entry := func(i int) string {
		return fmt.Sprintf(`{"_id":"%s","_type":"fiche","title":"T%d"}`, id(fmt.Sprint(i)), i)
	}
	first := w.list(anonymous, "fiche", "fields=title&limit=2")
	var page struct{ Page struct{ Next string } }
	decode(t, first, &page)
	wantBody(t, first, `{"data":[`+entry(0)+`,`+entry(1)+`],"page":{"limit":2,"next":"`+page.Page.Next+`","total":5}}`)
	if want := []string{"fiche", "fiche/" + string(id("0")), "fiche/" + string(id("1"))}; !reflect.DeepEqual(first.Tags, want) || first.Position != 6 {
		t.Errorf("got %v at %d", first.Tags, first.Position)
	}
	second := w.list(anonymous, "fiche", "fields=title&limit=3&total=false&after="+page.Page.Next)
	wantBody(t, second, `{"data":[`+entry(2)+`,`+entry(3)+`,`+entry(4)+`],"page":{"limit":3,"next":null}}`)
	wantBody(t, w.list(anonymous, "fiche", "filter[region]=27"), `{"data":[],"page":{"limit":20,"next":null,"total":0}}`)
}

func TestList_Facets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.m.facets = map[string][]core.FacetValue{"region": {{Value: "44", Count: 2}, {Value: int64(27), Count: 1}}, "_status": {{Value: true, Count: 1}}}
	wantBody(t, w.list(anonymous, "fiche", "facets=region,_status"),
		`{"data":[],"page":{"limit":20,"next":null,"total":0},"facets":{"_status":[{"value":true,"count":1}],"region":[{"value":"44","count":2},{"value":27,"count":1}]}}`)
}

func TestList_SearchMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"x"}`)
	head := `{"data":[{"_id":"` + string(id("a")) + `","_type":"fiche"`
	tail := `],"page":{"limit":20,"next":null,"total":1}}`
	wantBody(t, w.list(anonymous, "fiche", "q=x&fields=title"), head+`,"title":"x"}`+tail)
	wantBody(t, w.list(anonymous, "fiche", "q=x&fields=title,_score&highlight=true"), head+`,"_score":1.5,"_highlights":{"title":["<mark>x</mark>"]},"title":"x"}`+tail)
	wantBody(t, w.list(staff, "fiche", "q=x&fields=slug&highlight=true"), head+`,"_highlights":{"note":["<mark>secret</mark>"],"title":["<mark>x</mark>"]}}`+tail)
	wantBody(t, w.list(anonymous, "fiche", "fields=title,_score,_distance,_highlights"), head+`,"title":"x"}`+tail)
	if body := string(w.list(anonymous, "fiche", "q=x").Body); !strings.Contains(body, `"_score":1.5,"title"`) {
		t.Errorf("a search has no score: %s", body)
	}
	if body := string(w.list(anonymous, "fiche", "near=48,7,100").Body); !strings.Contains(body, `"_distance":0,"title"`) {
		t.Errorf("a circle has no distances: %s", body)
	}
}

func TestQuery_Body(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"x","region":"44"}`)
	body, _ := jsondoc.ParseObject([]byte(`{"filter":{"region":"44"},"fields":["title"]}`))
	p, err := w.Query(t.Context(), anonymous, "fiche", body)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Answer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantBody(t, a, `{"data":[{"_id":"`+string(id("a"))+`","_type":"fiche","title":"x"}],"page":{"limit":20,"next":null,"total":1}}`)
	same, _ := w.List(t.Context(), anonymous, "fiche", params("fields=title&filter[region]=44"))
	if same.Key != p.Key {
		t.Error("the URL and the body have two keys")
	}
}

func TestList_RowsOfTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("partner", "a", `{"name":"A","kind":"north"}`)
	w.publish("partner", "b", `{"name":"B","kind":"south"}`)
	a := w.list(north, "partner", `fields=name&filter={"or":[{"kind":"south"},{"not":{"kind":"south"}}]}`)
	wantBody(t, a, `{"data":[{"_id":"`+string(id("a"))+`","_type":"partner","name":"A"}],"page":{"limit":20,"next":null,"total":1}}`)
}

func TestList_Until(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.list(anonymous, "fiche", ""); !a.Until.IsZero() {
		t.Errorf("nothing is due and yet the answer ends at %v", a.Until)
	}
	w.m.due = clock.Add(time.Hour)
	if a := w.list(anonymous, "fiche", ""); !a.Until.Equal(w.m.due) {
		t.Errorf("got %v", a.Until)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("fiche", "a", `{"title":"F","note":"canary"}`)
	w.publish("minutes", "b", `{"title":"M"}`)
	w.publish("partner", "c", `{"name":"P","phone":"canary"}`)
	search := func(who *core.Principal, raw string) *core.Answer {
		a, err := w.answer(w.Search(t.Context(), who, params(raw)))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	var got struct {
		Data []map[string]any
		Page struct {
			Next  string
			Total int
		}
	}
	a := search(anonymous, "q=x&highlight=true&limit=1")
	decode(t, a, &got)
	if len(got.Data) != 1 || got.Data[0]["title"] != "F" || got.Data[0]["_score"] != 1.5 || got.Data[0]["_highlights"] == nil || got.Page.Total != 2 {
		t.Errorf("got %s", a.Body)
	}
	after := got.Page.Next
	got.Page.Next = ""
	a = search(anonymous, "q=x&limit=1&highlight=true&after="+after)
	decode(t, a, &got)
	if got.Data[0]["name"] != "P" || got.Data[0]["_type"] != "partner" || got.Page.Next != "" {
		t.Errorf("got %s", a.Body)
	}
	if body := string(search(anonymous, "q=x&highlight=true").Body); strings.Contains(body, "canary") || strings.Contains(body, "secret") || strings.Contains(body, "minutes") {
		t.Errorf("too much is told: %s", body)
	}
	if body := string(search(staff, "q=x&types=minutes").Body); !strings.Contains(body, `"title":"M"`) || strings.Contains(body, `"F"`) {
		t.Errorf("got %s", body)
	}
}
