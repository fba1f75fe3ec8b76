"""Lesson 14, section 14.6: data inside a page, whatever a stranger has written into it."""

import html
import json
import re
from html.parser import HTMLParser

from course_utils.evaluation import explorer
from course_utils.exercises.exercise import case, coding

inside = coding(
    "14.8",
    title="A sentence that breaks out",
    difficulty=3,
    minutes=8,
    given="data with texts that anybody may have written, to be put inside a `<script>` element",
    reference=explorer.embed,
    task="""JSON for `data` that can stand inside <script type="application/json"> … </script>.

    What the page reads back with JSON.parse must be `data` again, to the letter.  No text in it may
    end the element or open another: a browser looks for `</script` and `<!--` before it looks at
    anything else, in capitals, too.  Entities such as &lt; are not decoded in there.
    """,
    hints=[
        "`json.dumps` knows nothing about HTML. Which single character do all dangerous pieces "
        "begin with?",
        "JSON has a second spelling for every character: \\u and four hexadecimal digits.",
        "`.replace('<', '\\\\u003c')` on the finished JSON.",
    ],
    why="JSON and HTML read the same characters with different eyes, and the browser reads HTML "
    "first. A model's page shows text that others have written; a page that forgets this runs it.",
    then="find out why `html.escape` is right for a paragraph and wrong in here.",
)

NASTY = ("</script>", "</SCRIPT ><p>", "<!--", "<!-- <script>", "a < b & c > d", "&lt;", "\\", '"')


@inside.cases
def inside_cases(draw):
    yield case({"text": "ends here: </script><b>"})
    yield case({"text": "a < b && b > c; &lt; is not <"})
    yield case({"text": "ends here as well: </ScRiPt\n>"})
    yield case({"text": "a comment <!-- and <script> in it"})
    yield case([])
    yield case({"words": ["café", "電影", "line\nbreak", "\u2028"], "p": [0.5, 1, None, True]})
    for _ in range(4):
        pieces = [draw.choice(NASTY) for _ in range(draw.size(2, 6))]
        yield case([{"text": " ".join(pieces), "n": draw.size(0, 99)}, draw.choice(NASTY)])


class Reader(HTMLParser):
    """What a browser finds: elements, and the text of the first <script>."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.scripts = [], "", 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.scripts += tag == "script"

    def handle_data(self, data):
        inside = self.elements and self.elements[-1] == "script" and self.scripts == 1
        self.text += data if inside else ""


@inside.observe
def read_back(embed, data):
    written = embed(data)
    page = Reader(f'<script type="application/json">{written}</script><p>after</p>')
    try:
        found = json.loads(page.text)
    except ValueError:
        found = "no JSON: " + page.text
    dangerous = re.findall(r"</script|<!--", written, re.IGNORECASE)
    return {"elements": page.elements, "data": found, "dangerous pieces": dangerous}


@inside.oracle
def as_it_should_be(data):
    return {"elements": ["script", "p"], "data": data, "dangerous pieces": []}


@inside.wrong("JSON alone: the first </script> in a text ends the element", "14.6")
def json_alone(data):
    return json.dumps(data)


@inside.wrong("entities are not decoded inside a script: the page reads &quot; and &lt;", "14.6")
def escaped_for_html(data):
    return html.escape(json.dumps(data))


@inside.wrong("entities for < alone are not decoded either: the texts are changed", "14.6")
def entities_for_angles(data):
    return json.dumps(data).replace("<", "&lt;")


@inside.wrong("</SCRIPT > ends the element as well: case and spaces do not count", "14.6")
def lower_case_only(data):
    return json.dumps(data).replace("</script>", "<\\/script>").replace("<!--", "\\u003c!--")


@inside.wrong("`<!-- <script>` is still there: after it a browser no longer sees </script>", "14.6")
def slashes_only(data):
    return json.dumps(data).replace("</", "<\\/")


@inside.wrong("that removes what is dangerous: the data is no longer what it was", "14.6")
def removed_the_angles(data):
    return json.dumps(data).replace("<", "")


@inside.alternative
def one_character(data):
    return json.dumps(data, ensure_ascii=False).replace("<", r"\u003c")


@inside.alternative
def every_piece(data):
    return re.sub("[<>&/]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(data))
