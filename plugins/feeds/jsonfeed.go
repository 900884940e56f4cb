package feeds

import (
	"cmp"
	"encoding/json"

	gorilla "github.com/gorilla/feeds"
)

// jsonFeed has its items even when there are none.
type jsonFeed struct {
	*gorilla.JSONFeed
	Items []*gorilla.JSONItem `json:"items"`
}

func writeJSON(f *feed) ([]byte, error) {
	out := jsonFeed{Items: []*gorilla.JSONItem{}, JSONFeed: &gorilla.JSONFeed{Version: "https://jsonfeed.org/version/1.1", Title: f.title, Language: f.lang,
		HomePageUrl: f.site.home + "/", FeedUrl: f.self, NextUrl: f.next, Authors: []*gorilla.JSONAuthor{{Name: f.site.author}}}}
	for i := range f.items {
		out.Items = append(out.Items, f.items[i].json())
	}
	return json.Marshal(out)
}

// json is the entry in JSON Feed, which wants content of some kind.
func (i *item) json() *gorilla.JSONItem {
	out := &gorilla.JSONItem{Id: i.id, Url: i.page, Title: i.title, Summary: i.summary, ContentHTML: i.content, Tags: i.categories, ModifiedDate: &i.updated}
	if i.content == "" {
		out.ContentText = cmp.Or(i.summary, i.title)
	}
	if !i.published.IsZero() {
		out.PublishedDate = &i.published
	}
	for _, name := range i.authors {
		out.Authors = append(out.Authors, &gorilla.JSONAuthor{Name: name})
	}
	return out
}
