"""engine/populations"""
