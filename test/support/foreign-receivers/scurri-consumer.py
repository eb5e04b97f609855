# Consumes the SQS queue whose URL is in argv, as Scurri's customers do: reads messages, checks event_type,
# deletes handled messages. Prints a line of JSON for each event.
import json, os, sys
import boto3

# boto3 reads the variable by itself from 1.28 on; Debian 12 ships 1.26.
queue = boto3.resource("sqs", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).Queue(sys.argv[1])


def handle(event):
    print(json.dumps({"event_type": event["event_type"], "event": event}), flush=True)


print("ready", flush=True)
while True:
    for message in queue.receive_messages(MaxNumberOfMessages=10, WaitTimeSeconds=1):
        notification = json.loads(message.body)
        handle(json.loads(notification["Message"]))
        message.delete()
