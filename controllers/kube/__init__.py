"""The Kubernetes API as Argosy uses it: one client, typed errors, objects as bytes, patches as bytes.

Only this package imports kubernetes_asyncio: configuration, authentication and the connection pool are its;
the codec is ours.
"""
