"""The SQL of the search index and of the indexes beside the models', for both databases.

A word of 3 to 24 characters is worth remembering for near misses; its trigrams are taken with two spaces before it and
one behind, so that its beginning counts more."""

SQLITE_TABLES = {
    "search_numbers": (
        "create table search_numbers "
        "(number integer primary key, personality_id text not null unique, text text not null)"
    ),
    "search_trigrams": (
        "create virtual table search_trigrams using fts5(name, text, content='', tokenize='trigram case_sensitive 1')"
    ),
    "search_words": "create table search_words (word text primary key) without rowid",
    "search_word_trigrams": (
        "create table search_word_trigrams (trigram text, word text, primary key (trigram, word)) without rowid"
    ),
}
SQLITE_WORD_TRIGGER = """create trigger search_word_added after insert on search_words begin
insert into search_word_trigrams select distinct substr('  ' || new.word || ' ', value, 3), new.word
from json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]')
where value <= length(new.word) + 1;
end"""

_SQLITE_ADD = """
insert into search_numbers (personality_id, text) select new.id, new.search_text
where new.is_public = 1 and new.archived_at is null;
insert into search_trigrams (rowid, name, text) select number, new.name_folded, new.search_text
from search_numbers where personality_id = new.id;
insert into search_words (word) select distinct value
from json_each('[' || replace(json_quote(replace(new.search_text, char(10), ' ')), ' ', '","') || ']')
where length(value) between 3 and 24 and not exists (select 1 from search_words where word = value);
"""
"""JSON is how SQLite splits a text: its spaces become the commas of a list. A shelf entry has a number,
others none. Its text stands beside the number too: words that are too short for a trigram are looked for there, where
rows are small."""
_SQLITE_FORGET = """
insert into search_trigrams (search_trigrams, rowid, name, text) select 'delete', number,
old.name_folded, old.search_text from search_numbers where personality_id = old.id;
delete from search_numbers where personality_id = old.id;
"""
SQLITE_TRIGGERS = {
    "search_word_added": SQLITE_WORD_TRIGGER,
    "search_added": f"create trigger search_added after insert on personality_templates begin {_SQLITE_ADD} end",
    "search_changed": "create trigger search_changed after update of id, search_text, name_folded, is_public, "
    f"archived_at on personality_templates begin {_SQLITE_FORGET} {_SQLITE_ADD} end",
    "search_removed": f"create trigger search_removed after delete on personality_templates begin {_SQLITE_FORGET} end",
}
SQLITE_FILL = (
    """insert into search_numbers (personality_id, text) select id, search_text from personality_templates
    where is_public = 1 and archived_at is null order by id""",
    """insert into search_trigrams (rowid, name, text) select number, name_folded, text
    from search_numbers join personality_templates on id = personality_id order by number""",
    """insert into search_words (word) select distinct value from personality_templates,
    json_each('[' || replace(json_quote(replace(search_text, char(10), ' ')), ' ', '","') || ']')
    where length(value) between 3 and 24""",
)

SQLITE_INDEXES = {
    "ix_find_popular": """create index ix_find_popular on personality_templates
    (deploy_count desc, id, category_slug, language, content_rating, avg_rating, is_public, archived_at)
    where is_public = 1 and archived_at is null""",
    "ix_find_newest": """create index ix_find_newest on personality_templates
    (created_at desc, id, category_slug, language, content_rating, avg_rating, is_public, archived_at)
    where is_public = 1 and archived_at is null""",
    "ix_find_rating": """create index ix_find_rating on personality_templates
    (rating_score desc, id, category_slug, language, content_rating, avg_rating, is_public, archived_at)
    where is_public = 1 and archived_at is null""",
    "ix_find_name": """create index ix_find_name on personality_templates
    (name_folded, id, category_slug, language, content_rating, avg_rating, is_public, archived_at)
    where is_public = 1 and archived_at is null""",
    "ix_find_filters": """create index ix_find_filters on personality_templates
    (category_slug, language, content_rating, avg_rating, deploy_count, id, is_public, archived_at)
    where is_public = 1 and archived_at is null""",
    "ix_find_tags": "create index ix_find_tags on personality_tags (tag, personality_id)",
}
"""Each order with what is filtered by, so that nothing that is left out is read. SQLite reads a row for what its index
is limited to, unless it holds that too; PostgreSQL knows."""

POSTGRES_TABLES = (
    'create table search_words (word text collate "C" primary key)',
    """create table search_word_trigrams
    (trigram text collate "C", word text collate "C", primary key (trigram, word))""",
    # Words go in by order, so that two writers of the same new words wait for each other and never in a circle.
    r"""create or replace function botbot_learn_words() returns trigger language plpgsql as $$ begin
    insert into search_words select distinct word from regexp_split_to_table(new.search_text, '[ \n]') as word
    where length(word) between 3 and 24 and not exists
    (select 1 from search_words as known where known.word = word.word)
    order by 1 on conflict do nothing; return null; end $$""",
    """create or replace function botbot_learn_trigrams() returns trigger language plpgsql as $$ begin
    insert into search_word_trigrams select distinct substr('  ' || new.word || ' ', place, 3), new.word
    from generate_series(1, length(new.word) + 1) as place on conflict do nothing; return null; end $$""",
)
POSTGRES_FILL = (
    r"""insert into search_words select distinct word from personality_templates,
    regexp_split_to_table(search_text, '[ \n]') as word where length(word) between 3 and 24 order by 1""",
    """insert into search_word_trigrams select distinct substr('  ' || word || ' ', place, 3), word
    from search_words, generate_series(1, length(word) + 1) as place""",
)
POSTGRES_TRIGGERS = {
    "search_added": """create trigger search_added after insert on personality_templates
    for each row execute function botbot_learn_words()""",
    "search_changed": """create trigger search_changed after update of search_text on personality_templates
    for each row when (old.search_text is distinct from new.search_text) execute function botbot_learn_words()""",
    "search_word_added": """create trigger search_word_added after insert on search_words
    for each row execute function botbot_learn_trigrams()""",
}
POSTGRES_INDEXES = {
    "ix_find_popular": """create index if not exists ix_find_popular on personality_templates
    (deploy_count desc, id) include (category_slug, language, content_rating, avg_rating)
    where is_public and archived_at is null""",
    "ix_find_newest": """create index if not exists ix_find_newest on personality_templates
    (created_at desc, id) include (category_slug, language, content_rating, avg_rating)
    where is_public and archived_at is null""",
    "ix_find_rating": """create index if not exists ix_find_rating on personality_templates
    (rating_score desc, id) include (category_slug, language, content_rating, avg_rating)
    where is_public and archived_at is null""",
    "ix_find_name": """create index if not exists ix_find_name on personality_templates
    (name_folded, id) include (category_slug, language, content_rating, avg_rating)
    where is_public and archived_at is null""",
    "ix_find_filters": """create index if not exists ix_find_filters on personality_templates
    (category_slug, language, content_rating, avg_rating) include (deploy_count, id)
    where is_public and archived_at is null""",
    "ix_find_tags": "create index if not exists ix_find_tags on personality_tags (tag, personality_id)",
}
POSTGRES_TRIGRAMS = {
    # No pending list: every search would read it to its end.
    "ix_search_text": """create index if not exists ix_search_text on personality_templates
    using gin (search_text gin_trgm_ops) with (fastupdate = off)""",
    "ix_search_name": """create index if not exists ix_search_name on personality_templates
    using gin (name_folded gin_trgm_ops) with (fastupdate = off)""",
}
POSTGRES_DROP = (
    *(f"drop index if exists {name}" for name in POSTGRES_INDEXES | POSTGRES_TRIGRAMS),
    "drop table if exists search_word_trigrams",
    "drop table if exists search_words",
    "drop function if exists botbot_learn_words() cascade",
    "drop function if exists botbot_learn_trigrams() cascade",
)
