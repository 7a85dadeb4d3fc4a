"""healthchain's own client, in an environment of its own: `python talk.py URL HOOK CONTEXT.json`, prefetch on standard
input. Prints what it sent and, as its models understand it, what it got.
"""

import json
import sys

from healthchain.models import CDSResponse
from healthchain.sandbox import SandboxClient
from healthchain.sandbox.requestconstructors import CdsRequestConstructor
from healthchain.sandbox.workflows import Workflow

url, hook, context = sys.argv[1:]
client = SandboxClient(url=url, workflow=hook)
request = CdsRequestConstructor().construct_request(json.load(sys.stdin), Workflow(hook), json.loads(context))
client.requests.append(request)
(answer,) = client.send_requests()
parsed = CDSResponse(**answer)  # strict, where the client would fall back to the bare JSON
print(
    json.dumps(
        {
            "request": request.model_dump(mode="json", exclude_none=True),
            "cards": [card.model_dump(mode="json") for card in parsed.cards],
        }
    )
)
